import numpy as np
import pytest
import torch
from e3nn import o3

from rgnn_hal.reservoir import invariants
from rgnn_hal.structures import spherical_harmonics


def random_components(lmax: int, channels: int = 3, seed: int = 0) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.standard_normal(((lmax + 1) ** 2, 4, channels)))


def values_at(components: torch.Tensor, lmax: int) -> torch.Tensor:
    space = invariants(lmax)
    return space.values(components, space.gradients(components))


def test_degree_three_has_thirteen_invariants_per_channel_and_ten_of_fourth_order() -> None:
    assert invariants(3).cubic == 13
    assert invariants(3).size == 23
    assert (1, 2, 3) in invariants(3).features


@pytest.mark.parametrize("lmax", [0, 1, 2, 3, 4])
def test_rotations_and_inversion_leave_the_invariants_alone(lmax: int) -> None:
    components = random_components(lmax)
    expected = values_at(components, lmax)
    rotation = torch.from_numpy(np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0])
    for transform in (rotation, -rotation):
        turned = torch.einsum("ab,bik->aik", representation(transform, lmax), components)
        torch.testing.assert_close(values_at(turned, lmax), expected, rtol=1e-11, atol=1e-11)


def representation(transform: torch.Tensor, lmax: int) -> torch.Tensor:
    """D in Y(T r) = D Y(r), solved for on more directions than components."""
    points = torch.from_numpy(np.random.default_rng(2).normal(size=(200, 3)))
    points /= points.norm(dim=1, keepdim=True)
    before = spherical_harmonics(points, lmax)[0]
    after = spherical_harmonics(points @ transform.T, lmax)[0]
    solution: torch.Tensor = torch.linalg.lstsq(before, after).solution
    return solution.T


def test_quadratic_invariants_are_squared_lengths() -> None:
    components = random_components(2)
    got = values_at(components, 2)[invariants(2).features.index((2, 2))]
    torch.testing.assert_close(got, (components[4:9] ** 2).sum(dim=0))


def test_cubic_invariants_are_contractions_with_wigner_symbols() -> None:
    components = random_components(3)
    for triple in [(0, 1, 1), (1, 1, 2), (2, 2, 2), (1, 2, 3)]:
        parts = [components[n**2 : (n + 1) ** 2] for n in triple]
        coupling = o3.wigner_3j(*triple, dtype=torch.float64)
        expected = torch.einsum("abc,aik,bik,cik->ik", coupling, *parts)
        got = values_at(components, 3)[invariants(3).features.index(triple)]
        torch.testing.assert_close(got, expected)


def test_invariants_of_fourth_order_are_products_of_squared_lengths() -> None:
    features = invariants(2).features
    values = values_at(random_components(2), 2)
    for a, b in [(0, 0), (0, 2), (1, 2), (2, 2)]:
        expected = values[features.index((a, a))] * values[features.index((b, b))]
        torch.testing.assert_close(values[features.index((a, a, b, b))], expected)


def test_gradients_are_those_of_automatic_differentiation() -> None:
    space = invariants(3)
    components = random_components(3)
    jacobian = torch.autograd.functional.jacobian(
        lambda a: values_at(a[:, None, None], 3)[:, 0, 0], components[:, 0, 0]
    )
    dense = torch.zeros(space.size, 16, dtype=torch.float64)
    for degree, gradient in enumerate(space.gradients(components[:, :1, :1])):
        lm = slice(degree**2, (degree + 1) ** 2)
        dense[list(space.terms[degree]), lm] = gradient[:, :, 0, 0]
    torch.testing.assert_close(dense, jacobian)
