"""The contract kit on `smu-matrix://` against simulated instruments."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest

from rgnn_hal.macro import Macro, open_macro
from rgnn_hal.testing import MacroContract, check
from rgnn_hal.testing.bench import Factory
from rgnn_hal_firmware.tsp import ServedBench, example_bench, matrix_columns
from tests.drivers.probed_array import write_config

SPREAD = matrix_columns(3)[: 14 * 15 : 15]
"""Columns of 5 + 4 + 5 lines on three mainframes."""
_SERVED: list[ServedBench] = []


def complain(macro: Macro) -> None:
    """Leave an error in the queue, for the next verb to find."""
    errors = _SERVED[-1].bench.instruments["smu1"].controller.errors
    errors.add(802, "OUTPUT blocked by output enable")


@pytest.fixture(scope="class")
def uri(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    rows, cols, exact, linked = request.cls.bench_of
    with example_bench(rows, cols, exact=exact, columns=request.cls.columns) as served:
        _SERVED.append(served)
        yield write_config(served, tmp_path_factory.mktemp("bench"), linked=linked)
        assert served.bench.grounded
        assert served.bench.incidents == []
        _SERVED.pop()


class TestSmallArray(MacroContract):
    bench_of = (5, 4, True, True)
    columns: ClassVar[Sequence[str] | None] = None
    examples = 1
    gentle = False
    fault = staticmethod(complain)

    @pytest.fixture
    def macro(self, uri: str) -> Factory:
        return partial(open_macro, uri)


@pytest.mark.slow
class TestExampleArray(TestSmallArray):
    bench_of = (8, 8, False, True)
    examples = 4


@pytest.mark.slow
class TestWithoutLink(TestSmallArray):
    bench_of = (8, 8, True, False)
    examples = 4


class TestThreeMainframes(TestSmallArray):
    columns = SPREAD
    gentle = True


@pytest.mark.slow
class TestPulsesOnThreeMainframes(TestSmallArray):
    columns = SPREAD


@pytest.mark.slow
@pytest.mark.parametrize("size", [32, 64])
def test_arrays_of_several_mainframes_keep_the_contract(size: int, tmp_path: Path) -> None:
    with example_bench(size, size, exact=True) as served:
        uri = write_config(served, tmp_path)
        report = check(uri, examples=1, gentle=True)
        assert report.failed == ()
        assert len(report.passed) > 35
        assert served.bench.grounded
        assert served.bench.incidents == []
