"""Correct macros pass: none of the kit's bounds is tighter than the contract."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest

from rgnn_hal.macro import Capability, Macro, MacroSpec, open_macro
from rgnn_hal.testing import CLAUSES, MacroContract, check
from rgnn_hal.testing.bench import Factory
from tests.conftest import ArrayMacro, make_spec
from tests.testing import crossbar
from tests.testing.crossbar import Crossbar, fail_next

EVERYTHING = crossbar.EXACT.model_copy(update={"max_batch": 1, "max_samples": 1})


class TestEmulator(MacroContract):
    examples = 4

    @pytest.fixture(params=["seed=1", "preset=cmo-hfox&exact=true", "preset=milo&exact=true"])
    def macro(self, request: pytest.FixtureRequest) -> Factory:
        """A noisy chip, an exact one, and one whose cells do not obey Ohm's law."""
        return partial(open_macro, f"emulator://?{request.param}")


class TestCrossbar(MacroContract):
    examples = 5
    gentle = False
    fault = staticmethod(fail_next)

    @pytest.fixture(params=["EXACT", "NOISY", "PERSISTENT", "PLAIN", "UNIPOLAR"])
    def macro(self, request: pytest.FixtureRequest) -> Factory:
        Crossbar.silicon.clear()
        spec: MacroSpec = getattr(crossbar, request.param)
        return partial(Crossbar, spec)


@pytest.mark.parametrize(
    "opened",
    [
        pytest.param(lambda: Crossbar(EVERYTHING), id="one vector, one sample"),
        pytest.param(
            lambda: Crossbar(crossbar.EXACT.model_copy(update={"rows": 1, "cols": 1})),
            id="one cell",
        ),
        pytest.param(
            lambda: Crossbar(crossbar.NOISY.model_copy(update={"rows": 2, "cols": 70})),
            id="two rows",
        ),
        pytest.param(
            lambda: ArrayMacro(
                make_spec(capabilities=frozenset(Capability) - {Capability.PERSISTENT})
            ),
            id="the array macro of the other tests",
        ),
    ],
)
def test_macros_of_any_size_pass(opened: Callable[[], Macro]) -> None:
    report = check(opened, examples=3)
    assert not report.failed, report.failed


@pytest.mark.parametrize("gentle", [None, pytest.param(False, marks=pytest.mark.slow)])
def test_a_chip_in_a_file_passes(tmp_path: Path, gentle: bool | None) -> None:
    uri = f"emulator://?seed=1&state={tmp_path / 'chip.h5'}"
    report = check(uri, examples=1, gentle=gentle)
    assert not report.failed, report.failed
    assert report.gentle is (gentle is None)
    assert len(report.passed) + len(report.skipped) == len(CLAUSES)


def test_a_gentle_check_pulses_nothing_and_reads_little(tmp_path: Path) -> None:
    class Watched(Crossbar):
        verbs: ClassVar[list[str]] = []

        def _pulse(self, *arguments: object) -> None:
            raise AssertionError("a cell was pulsed")

        def _program(self, *arguments: object) -> None:
            raise AssertionError("a cell was programmed")

        def instrument(self) -> None:
            self.verbs.append("verb")
            super().instrument()

    report = check(partial(Watched, crossbar.PERSISTENT))
    assert report.gentle
    assert not report.failed, report.failed
    assert {skip.clause for skip in report.skipped} >= {c for c in CLAUSES if c.wears}
    assert len(Watched.verbs) < 3000


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
@pytest.mark.parametrize("options", ["", "&exact=true"])
def test_other_chips_pass_with_other_draws(seed: int, options: str) -> None:
    report = check(f"emulator://?seed={seed}{options}", derandomize=False)
    assert not report.failed, report.failed
