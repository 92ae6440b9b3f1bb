"""Three ways backwards through a chip agree, within the noise of its products."""

from collections.abc import Iterator

import ase
import numpy as np
import pytest
import torch
from ase.build import molecule
from numpy.typing import NDArray

from rgnn_hal.analog import AnalogMatrix, twin_deviation
from rgnn_hal.macro import (
    Capability,
    ConfigurationError,
    Macro,
    NotSupportedError,
    PulseKind,
    open_macro,
)
from rgnn_hal.mapping import NEIGHBOUR, PAIR, Scheme
from rgnn_hal.reservoir import (
    TANGENTS,
    TRANSPOSED,
    TWIN,
    DigitalMixing,
    Gradients,
    Prediction,
    Readout,
    Reservoir,
    predict,
)
from rgnn_hal.reservoir.frozen import FrozenWeights, freeze
from rgnn_hal.structures import RadialBasis, build_graph

ELEMENTS, CUTOFF, CHANNELS, LMAX = (1, 6, 8), 4.0, 12, 2
RADIAL = RadialBasis(CUTOFF, size=6)
SHAPES = [(18, CHANNELS)] * (LMAX + 1)
both_schemes = pytest.mark.parametrize("scheme", [PAIR, NEIGHBOUR], ids=lambda s: str(s.name))
through_the_chip = pytest.mark.parametrize("way", [TRANSPOSED, TANGENTS], ids=lambda w: str(w.name))


def frozen(macro: Macro, scheme: Scheme) -> FrozenWeights:
    return freeze(macro, SHAPES, scheme=scheme)


def ethanol() -> ase.Atoms:
    atoms: ase.Atoms = molecule("CH3CH2OH")
    atoms.rattle(0.05, seed=2)
    return atoms


def predicted(mixings: tuple[AnalogMatrix, ...], way: Gradients) -> Prediction:
    reservoir = Reservoir(ELEMENTS, RADIAL, mixings)
    readout = torch.from_numpy(np.random.default_rng(1).standard_normal(reservoir.columns))
    graph = build_graph(ethanol(), ELEMENTS, CUTOFF)
    return predict(reservoir, graph, Readout.of(reservoir, readout), way)


@both_schemes
@through_the_chip
def test_without_noise_every_way_is_the_twin_to_rounding(scheme: Scheme, way: Gradients) -> None:
    with open_macro("emulator://?seed=5&exact=true") as macro:
        matrices = way.prepared(frozen(macro, scheme).thaw(macro))
        twin, found = predicted(matrices, TWIN), predicted(matrices, way)
    scale = twin.forces.abs().max()
    assert (found.forces - twin.forces).abs().max() < 1e-9 * scale
    assert (found.virial - twin.virial).abs().max() < 1e-9 * twin.virial.abs().max()


@pytest.fixture(scope="module", params=[PAIR, NEIGHBOUR], ids=lambda s: str(s.name))
def noisy(request: pytest.FixtureRequest) -> Iterator[tuple[AnalogMatrix, ...]]:
    with open_macro("emulator://?seed=5") as macro:
        weights = frozen(macro, request.param)
        yield tuple(m.with_transpose() for m in weights.thaw(macro, reads=4))


def relative_noise(matrix: AnalogMatrix, *, backwards: bool) -> float:
    """Rms difference to the twin over the rms product, for random vectors."""
    x = np.random.default_rng(3).standard_normal((200, matrix.shape[1 if backwards else 0]))
    weights = matrix.weights.T if backwards else matrix.weights
    found = matrix.transposed(x) if backwards else matrix.product(x)
    expected = x @ weights
    return float((found - expected).std() / expected.std())


class _Fixed:
    """Products of the chip forwards, drawn once, so that all ways see the same components."""

    def __init__(self, matrix: AnalogMatrix) -> None:
        self.matrix, self.weights = matrix, matrix.weights
        self._seen: dict[bytes, NDArray[np.float64]] = {}

    def product(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        key = np.asarray(x).tobytes()
        if key not in self._seen:
            self._seen[key] = np.asarray(self.matrix.product(x))
        return self._seen[key]

    def transposed(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.matrix.transposed(y))


@through_the_chip
def test_on_a_noisy_chip_every_way_is_the_twin_within_the_noise_of_its_products(
    noisy: tuple[AnalogMatrix, ...], way: Gradients
) -> None:
    """A force is a sum of products, whose relative errors are independent or smaller together."""
    mixings = tuple(_Fixed(matrix) for matrix in noisy)
    twin, found = (predicted(mixings, one) for one in (TWIN, way))  # type: ignore[arg-type]
    noise = max(relative_noise(matrix, backwards=way is TRANSPOSED) for matrix in noisy)
    assert 1e-4 < noise < 0.2
    error = float((found.forces - twin.forces).square().mean().sqrt())
    scale = float(twin.forces.square().mean().sqrt())
    # Measured: 0.44 to 0.63 of one product's noise.
    assert 0.1 * noise * scale < error < 2.0 * noise * scale


def test_noise_of_transposed_products_falls_as_one_over_the_root_of_the_reads(
    noisy: tuple[AnalogMatrix, ...],
) -> None:
    x = np.random.default_rng(4).standard_normal((200, CHANNELS))

    def scatter(reads: int) -> float:
        several = noisy[0].with_reads(reads)
        return float((several.transposed(x) - several.transposed(x)).std())

    assert scatter(1) / scatter(16) == pytest.approx(4.0, rel=0.3)


def test_rows_have_zeros_and_gains_of_their_own(noisy: tuple[AnalogMatrix, ...]) -> None:
    matrix = noisy[0]
    assert matrix.backwards is not None
    (forwards,), (backwards,) = matrix.calibrations, matrix.backwards
    assert backwards.gain.shape == (18,)
    assert forwards.gain.shape == (matrix.placement.tiles[0].region.shape[1],)
    error = matrix.with_reads(64).transposed(np.eye(CHANNELS)) - matrix.weights.T
    assert error.std() < 0.05


def test_a_fresh_twin_is_close_and_a_stale_one_is_named_with_a_remedy() -> None:
    with open_macro("emulator://?seed=6") as macro:
        weights = frozen(macro, PAIR)
        matrices = weights.thaw(macro)
        reservoir = Reservoir(ELEMENTS, RADIAL, matrices)
        assert max(twin_deviation(matrix) for matrix in matrices) < 0.02
        TWIN.verify(reservoir)
        tile = matrices[1].placement.tiles[0]
        limits = macro.spec.pulses[PulseKind.RESET]
        macro.pulse(
            PulseKind.RESET,
            np.random.default_rng(0).random(tile.region.shape) < 0.3,
            voltage=limits.voltage.high,
            gate_voltage=limits.gate_voltage.high,
            width=limits.width.low,
            region=tile.region,
        )
        moved = weights.twins[1].weights - _now(matrices[1])
        assert twin_deviation(matrices[1]) == pytest.approx(moved.std(), rel=0.25)
        with pytest.raises(ConfigurationError, match=r"stale.*degree 1.*'transpose' or 'tangents'"):
            TWIN.verify(reservoir)
        for way in (TRANSPOSED, TANGENTS):
            way.verify(reservoir)


def _now(matrix: AnalogMatrix) -> NDArray[np.float64]:
    (tile,) = matrix.placement.tiles
    cells = matrix.macros[0].read_conductance(tile.region, 16)
    return np.asarray(matrix.placement.scheme.difference(cells) / matrix.unit)


def test_a_digital_mixing_never_goes_stale() -> None:
    mixings = tuple(DigitalMixing(np.ones(shape)) for shape in SHAPES)
    TWIN.verify(Reservoir(ELEMENTS, RADIAL, mixings))


def test_a_macro_that_cannot_drive_columns_is_refused_by_its_spec() -> None:
    with open_macro("emulator://?seed=5") as macro:
        lacking = macro.spec.capabilities - {Capability.TRANSPOSE}
        spec = macro.spec.model_copy(update={"capabilities": lacking})
    with pytest.raises(NotSupportedError, match="'twin' or 'tangents'"):
        TRANSPOSED.check(spec)
    for way in (TWIN, TANGENTS):
        way.check(spec)
