"""The twin is what the cells hold; the torch module runs on them and differentiates through it."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rgnn_hal.analog import AnalogLinear, AnalogMatrix, DigitalTwin, read_twin
from rgnn_hal.macro import LimitError, Region
from rgnn_hal.mapping import NEIGHBOUR, PAIR, Site, place
from tests.conftest import ArrayMacro, make_spec, random_conductance

gradcheck: Callable[..., bool] = torch.autograd.gradcheck
gradgradcheck: Callable[..., bool] = torch.autograd.gradgradcheck


class NoisyMacro(ArrayMacro):
    """White read noise of 0.1 uS per cell and sample, in cell-by-cell reads."""

    noise = 1e-7
    random = np.random.default_rng(5)

    def _read_conductance(self, region: Region, samples: int) -> NDArray[np.float64]:
        mean = super()._read_conductance(region, samples)
        return mean + self.random.normal(scale=self.noise / samples**0.5, size=mean.shape)


def twin_of(macro: ArrayMacro, samples: int) -> DigitalTwin:
    (placement,) = place([(64, 31)], PAIR, [Site(0, macro.spec.region)])
    return read_twin([macro], placement, samples=samples)


def test_an_exact_twin_has_no_uncertainty() -> None:
    macro = ArrayMacro(make_spec(64, 62), random_conductance(64, 62))
    twin = twin_of(macro, 8)
    assert np.array_equal(twin.weights, macro.conductance[:, ::2] - macro.conductance[:, 1::2])
    assert not twin.uncertainty.any()


@pytest.mark.parametrize("samples", [4, 16, 64])
def test_the_uncertainty_is_the_spread_of_the_error(samples: int) -> None:
    macro = NoisyMacro(make_spec(64, 62), random_conductance(64, 62))
    twin = twin_of(macro, samples)
    error = twin.weights - (macro.conductance[:, ::2] - macro.conductance[:, 1::2])
    expected = NoisyMacro.noise * np.sqrt(2 / samples)
    assert error.std() == pytest.approx(expected, rel=0.06)
    assert np.sqrt((twin.uncertainty**2).mean()) == pytest.approx(expected, rel=0.06)


def test_a_macro_that_cannot_average_is_read_as_often_as_it_can() -> None:
    macro = ArrayMacro(make_spec(64, 62, max_samples=1), random_conductance(64, 62))
    assert np.array_equal(
        twin_of(macro, 64).weights, macro.conductance[:, ::2] - macro.conductance[:, 1::2]
    )
    (placement,) = place([(64, 61)], NEIGHBOUR, [Site(0, macro.spec.region)])
    x = np.ones((2, 64))
    matrix = AnalogMatrix.measure([macro], placement, unit=1.0)
    assert matrix.product(x) == pytest.approx(x @ np.diff(macro.conductance), abs=1e-15)


def test_units_scale_weights_and_uncertainty() -> None:
    twin = DigitalTwin(np.array([[2.0, 4.0]]), np.array([[0.2, 0.4]])).in_units_of(2.0)
    assert twin.weights.tolist() == [[1.0, 2.0]]
    assert twin.uncertainty.tolist() == [[0.1, 0.2]]
    assert twin.product(np.array([[3.0]])).tolist() == [[3.0, 6.0]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_tensor_of_the_twin_is_a_copy(dtype: torch.dtype) -> None:
    twin = DigitalTwin(np.array([[2.0, 4.0]]), np.zeros((1, 2)))
    tensor = twin.tensor(dtype)
    assert tensor.dtype == dtype
    tensor.zero_()
    assert twin.weights.tolist() == [[2.0, 4.0]]


@pytest.fixture
def matrix() -> AnalogMatrix:
    """5 x 4 weights on two exact macros."""
    macros = [ArrayMacro(make_spec(3, 6), random_conductance(3, 6, seed)) for seed in range(2)]
    sites = [Site(number, macro.spec.region) for number, macro in enumerate(macros)]
    (placement,) = place([(5, 4)], NEIGHBOUR, sites)
    return AnalogMatrix.measure(macros, placement)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("lead", [(1,), (7,), (2, 3), ()])
def test_forward_is_the_product_in_the_inputs_dtype(
    matrix: AnalogMatrix, dtype: torch.dtype, lead: tuple[int, ...]
) -> None:
    x = torch.randn(*lead, 5, dtype=dtype, generator=torch.Generator().manual_seed(0))
    y = AnalogLinear(matrix)(x)
    assert y.dtype == dtype
    assert y.shape == (*lead, 4)
    assert torch.equal(
        y, torch.from_numpy(matrix.product(x.reshape(-1, 5).numpy())).reshape(y.shape)
    )


def test_gradients_are_those_of_the_product(matrix: AnalogMatrix) -> None:
    layer = AnalogLinear(matrix)
    x = torch.randn(3, 2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x.requires_grad_()
    assert gradcheck(layer, (x,))
    assert gradgradcheck(lambda x: layer(x).tanh(), (x,))


def test_a_float32_network_trains_around_a_frozen_layer(matrix: AnalogMatrix) -> None:
    torch.manual_seed(0)
    layer = AnalogLinear(matrix)
    before, frozen = torch.nn.Linear(3, 5), matrix.twin.tensor(torch.float32)
    x = torch.randn(16, 3)

    def loss(through: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        return torch.tanh(through(before(x))).square().sum()

    (through_layer,) = torch.autograd.grad(loss(layer), [before.weight])
    (through_weights,) = torch.autograd.grad(loss(lambda y: y @ frozen), [before.weight])
    assert list(layer.parameters()) == []
    assert through_layer.dtype == torch.float32
    assert torch.allclose(through_layer, through_weights, rtol=1e-4, atol=1e-5)


def test_the_layer_says_what_it_is(matrix: AnalogMatrix) -> None:
    assert "5 -> 4, scheme neighbour" in repr(AnalogLinear(matrix))


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64])
def test_tensors_that_are_not_floating_are_refused(
    matrix: AnalogMatrix, dtype: torch.dtype
) -> None:
    with pytest.raises(LimitError, match="type"):
        AnalogLinear(matrix)(torch.ones(2, 5).to(dtype))
