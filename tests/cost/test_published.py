"""The model against macros that were built: what its module says of it is true."""

from collections import Counter

import pytest

from rgnn_hal.cost.published import UNUSED, Comparison, comparisons

ALL = comparisons()
by_name = pytest.mark.parametrize("one", ALL, ids=lambda one: one.published.name)


def test_it_fails_where_it_says_and_nowhere_else() -> None:
    assert {one.published.name for one in ALL if not one.within_two} == {
        "HERMES core, density",
        "64-core chip, density",
        "Mythic, energy",
    }


def test_three_macros_of_two_nodes_come_out_within_a_factor_of_two() -> None:
    close = [one.published for one in ALL if one.within_two and one.published.unit == "TOPS/W"]
    assert len({one.name.split(",")[0] for one in close}) >= 3
    assert len({one.hardware.node.value for one in close}) >= 2


def test_the_stated_factors_are_those_of_the_model() -> None:
    factor = {one.published.name: one.factor for one in ALL}
    assert factor["HERMES core, density"] == pytest.approx(2.9, abs=0.05)
    assert factor["64-core chip, density"] == pytest.approx(10, abs=0.5)
    assert 1 / factor["Mythic, energy"] == pytest.approx(7, abs=0.5)
    for name in ("HERMES core, energy", "64-core chip, energy, one phase", "34-tile chip, energy"):
        assert 0.55 < factor[name] < 0.75
    hermes = next(one for one in ALL if one.published.name == "HERMES core, energy")
    name, share = hermes.model.shares[0]
    assert (name, round(share, 1)) == ("chip.array.conductance", 0.9)


@by_name
def test_every_prediction_has_an_interval_about_it(one: Comparison) -> None:
    assert one.model.low < one.model.value < one.model.high
    assert one.published.source and one.published.includes


def test_four_phases_cost_four_times_one() -> None:
    model = {one.published.name: one.model.value for one in ALL}
    assert model["64-core chip, energy, one phase"] == pytest.approx(
        4 * model["64-core chip, energy, four phases"]
    )


def test_what_cannot_be_compared_says_why() -> None:
    assert len(UNUSED) >= 3
    assert not [text for text, count in Counter(UNUSED.values()).items() if count > 1]
