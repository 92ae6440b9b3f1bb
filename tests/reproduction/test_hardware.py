"""Gains beside the paper's: the rows hold what the model says, the notes what it hangs on."""

from dataclasses import replace

import pytest

from rgnn_hal.cost import Ledger, Operations, Work, load_machine, load_macro
from rgnn_hal.cost.comparison import assess
from rgnn_hal.reproduction.cell import Modelled, Quoted, watching
from rgnn_hal.reproduction.chart import Bars
from rgnn_hal.reproduction.hardware import Claims, Counted, add_gains
from rgnn_hal.reproduction.table import Draft

SERIAL = Work(
    Ledger(
        products=100,
        multiplications=64 * 32 * 100,
        sent=6_400,
        received=3_200,
        planes=900,
        samples=900,
        drives=900 * 64,
        conversions=900 * 33,
        macs=900 * 64 * 33,
        cell_volts=900 * 64 * 33 * 0.1,
    ),
    Operations(macs=10_000, special=1000, elementary=5000),
)
ONE_PLANE = {"planes": 100, "samples": 100, "drives": 6_400, "conversions": 3_300, "macs": 211_200}
AT_ONCE = replace(SERIAL, analog=replace(SERIAL.analog, cell_volts=2e4, **ONE_PLANE))
CLAIMS = Claims(Quoted(2.5, "x", "a paper"), Quoted(1e9, "x", "a boast"))


@pytest.fixture(scope="module")
def draft() -> Draft:
    with watching("count") as watch:
        pass
    written = Draft()
    theirs, ours = Counted("theirs", SERIAL, watch.run), Counted("ours", AT_ONCE, watch.run)
    add_gains(written, "A task", theirs, AT_ONCE, ours, CLAIMS)
    return written


def test_a_row_is_what_the_model_says(draft: Draft) -> None:
    host, processor = load_machine("accelerator"), load_machine("gpu")
    own, other = assess(SERIAL, load_macro(), host, [host, processor]).baselines
    found = {row.what: row.ours for row in draft.rows if isinstance(row.ours, Modelled)}
    assert len(found) == len(draft.rows)
    for what, expected in (
        ("theirs: gpu alone over macro + accelerator, per area", other.ratio.area_normalised_speed),
        ("theirs: gpu alone over macro + accelerator", other.ratio.energy),
        ("theirs: accelerator alone over macro + accelerator", own.gain.energy),
        ("theirs: gpu alone over macro + gpu", other.gain.energy),
    ):
        assert found[what].value == pytest.approx(expected.value)
        assert found[what].interval == pytest.approx((expected.low, expected.high))


def test_headlines_are_the_papers_network_beside_both_machines(draft: Draft) -> None:
    shown = [row for row in draft.rows if row.headline]
    assert all(row.what.startswith("theirs: ") for row in shown)
    assert [row.claim for row in shown] == ["speed", "energy"] * 2


def test_ways_to_count_stand_beside_the_claim(draft: Draft) -> None:
    charts = [one for one in draft.charts if isinstance(one, Bars) and one.mark is not None]
    assert [one.mark for one in charts] == [2.5, 1e9]
    for chart in charts:
        values = {bar.label: bar.value for bar in chart.bars}
        assert len(values) == 12
        serial, at_once = (
            values[f"{name} (accelerator)"]
            for name in ("as counted", "one analog read per product, no bit planes")
        )
        assert at_once > serial


def test_notes_say_which_ways_reach_the_claims(draft: Draft) -> None:
    *_, verdict = draft.notes
    assert "Its energy is reached by: none of these." in verdict
    assert any("9 times per product" in note for note in draft.notes)
