"""The default chip against the real one (RGNN): weights are differences of neighbouring cells."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from rgnn_hal_firmware import Chip, load_preset, new_chip

Values = NDArray[np.float64]


@dataclass(frozen=True)
class TwoReads:
    """Cells (lines, cells along the axis of differences) and their weights, each read twice."""

    cells: list[Values]
    weights: list[tuple[Values, Values]]

    @property
    def first(self) -> Values:
        return np.concatenate([first.ravel() for first, _ in self.weights])

    @property
    def change(self) -> Values:
        return np.concatenate([(second - first).ravel() for first, second in self.weights])


def robust_sd(values: Values) -> float:
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def lag_one(weights: Values) -> float:
    return float(np.mean(weights[:, 1:] * weights[:, :-1]) / np.var(weights))


def without_shorts(cells: Values) -> Values:
    return cells[np.abs(cells - np.median(cells)) < 6 * robust_sd(cells)]


@pytest.fixture(scope="module")
def real(real_chip: Path) -> TwoReads:
    cells, weights = [], []
    with np.load(real_chip / "force_two_reads.npz") as file:
        for name in sorted(key for key in file if key.endswith("_read1")):
            reads = [file[name], file[name.replace("_read1", "_read2")]]
            if "_2_read" in name:
                reads = [read.T for read in reads]
            first, second = (read.astype(np.float64) for read in reads)
            line = np.cumsum(first, axis=1)
            cells.append(line - np.median(line, axis=1, keepdims=True))
            weights.append((first, second))
    return TwoReads(cells, weights)


@pytest.fixture(scope="module")
def emulated(formed: Callable[[Chip], Chip]) -> TwoReads:
    """Four chips, so that the tails of few cells with large telegraph noise average out."""
    cells, weights = [], []
    for seed in range(4):
        chip = formed(new_chip(seed=seed))
        first = chip.read_conductance(chip.whole)
        second = chip.read_conductance(chip.whole)
        open_cells = first < 1e-6
        first[open_cells] = second[open_cells] = np.median(first)
        cells.append(first)
        weights.append((np.diff(first, axis=1), np.diff(second, axis=1)))
    return TwoReads(cells, weights)


def test_neighbouring_weights_share_a_cell(real: TwoReads, emulated: TwoReads) -> None:
    assert np.mean([lag_one(first) for first, _ in real.weights]) == pytest.approx(-0.5, abs=0.02)
    for first, _ in emulated.weights:
        assert lag_one(first) == pytest.approx(-0.5, abs=0.02)


def test_formed_cells_have_the_mean_and_spread_of_the_published_maps(emulated: TwoReads) -> None:
    for cells in emulated.cells:
        healthy = without_shorts(cells.ravel())
        assert healthy.mean() == pytest.approx(12.3e-6, rel=0.01)
        assert healthy.std() / healthy.mean() == pytest.approx(0.15, abs=0.005)


def test_cells_are_as_skewed_as_the_real_ones(real: TwoReads, emulated: TwoReads) -> None:
    real_skew = stats.skew(without_shorts(np.concatenate([c.ravel() for c in real.cells])))
    skew = stats.skew(without_shorts(np.concatenate([c.ravel() for c in emulated.cells])))
    assert real_skew == pytest.approx(0.45, abs=0.02)
    assert skew == pytest.approx(real_skew, abs=0.05)


def test_weights_have_the_tails_of_the_real_ones(real: TwoReads, emulated: TwoReads) -> None:
    def relative_quantiles(values: Values) -> Values:
        quantiles: Values = np.quantile(np.abs(values), [0.5, 0.9, 0.99, 0.999])
        return quantiles / robust_sd(values)

    ours, theirs = relative_quantiles(emulated.first), relative_quantiles(real.first)
    np.testing.assert_allclose(ours, theirs, rtol=0.12)


def test_read_noise_is_as_large_as_the_real_one(real: TwoReads, emulated: TwoReads) -> None:
    for chip in (real, emulated):
        regular = chip.first[np.abs(chip.first) < 6 * robust_sd(chip.first)]
        one_read = chip.change / np.sqrt(2) / regular.std()
        assert one_read.std() == pytest.approx(0.088, abs=0.004)
        assert robust_sd(one_read) == pytest.approx(0.0665, abs=0.002)


def test_the_stated_read_noise_is_what_one_read_shows(emulated: TwoReads) -> None:
    one_read = emulated.change.std() / 2  # two reads of two cells
    stated = load_preset("chip40nm").parameters.read_noise_rms
    assert one_read == pytest.approx(stated, rel=0.02)


def test_read_noise_is_as_heavy_tailed_as_the_real_one(real: TwoReads, emulated: TwoReads) -> None:
    for chip in (real, emulated):
        assert 11 < stats.kurtosis(chip.change) < 28
        beyond = np.mean(np.abs(chip.change) > 5 * robust_sd(chip.change))
        assert beyond == pytest.approx(0.0075, abs=0.002)


def test_read_noise_does_not_depend_on_the_weight(real: TwoReads, emulated: TwoReads) -> None:
    for chip in (real, emulated):
        small = np.abs(chip.first) < np.quantile(np.abs(chip.first), 0.5)
        ratio = robust_sd(chip.change[~small]) / robust_sd(chip.change[small])
        assert ratio == pytest.approx(1.0, abs=0.06)


def test_read_noise_of_neighbouring_weights_is_that_of_their_shared_cell(
    emulated: TwoReads,
) -> None:
    for first, second in emulated.weights:
        assert lag_one(second - first) == pytest.approx(-0.5, abs=0.02)


def test_rows_differ_in_spread_as_much_as_the_real_ones(emulated: TwoReads) -> None:
    variation = []
    for cells in emulated.cells:
        part = cells[:144, :289]
        row_sd = np.array([without_shorts(row).std() for row in part])
        variation.append(row_sd.std() / row_sd.mean())
    assert np.mean(variation) == pytest.approx(0.068, abs=0.008)


def test_columns_carry_the_signature_of_the_multiplexer(emulated: TwoReads) -> None:
    for cells in emulated.cells:
        columns = np.median(cells, axis=0)
        spread = without_shorts(cells.ravel()).std()
        assert (columns.std() / spread) ** 2 == pytest.approx(0.03, abs=0.01)
        eighth = np.arange(cells.shape[1]) % 8 == 7
        for edge in (slice(0, 64), slice(-64, None)):
            dip = columns[edge][~eighth[edge]].mean() - columns[edge][eighth[edge]].mean()
            assert 0.5 < dip / spread < 0.8


def test_shorts_stand_out_in_columns_that_repeat_every_56(emulated: TwoReads) -> None:
    for cells in emulated.cells:
        shorts = cells - np.median(cells) > 9 * robust_sd(cells.ravel())
        per_phase = np.array([shorts[:, phase::56].sum() for phase in range(56)])
        assert per_phase.max() > 10 * np.sort(per_phase)[-2]
        excess = (cells[shorts] - np.median(cells)) / without_shorts(cells.ravel()).std()
        assert excess.mean() == pytest.approx(11.8, abs=0.5)
