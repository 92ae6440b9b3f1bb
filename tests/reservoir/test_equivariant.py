"""Products of channels turn like the degree and parity that they claim."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from rgnn_hal.reservoir.equivariant import Axis, Components, Products
from rgnn_hal.structures import spherical_harmonics

ATOMS = Products(2, 5, quadratic=4, quadratic_degree=2, gathered=2)
PAIRS = Products(2, 5, quadratic=4, quadratic_degree=2, axis_degree=3, gathered=2)
KINDS = [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (4, 0)]


def harmonics(points: np.ndarray, degree: int) -> torch.Tensor:
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    return spherical_harmonics(torch.from_numpy(unit), degree)[0]


def densities(points: np.ndarray) -> Components:
    """Three centres, five channels: sums of harmonics of weighted points (3, 5, n, 3)."""
    values = harmonics(points.reshape(-1, 3), 2).reshape(*points.shape[:3], 9).sum(dim=2)
    return torch.split(values.permute(2, 0, 1).contiguous(), [1, 3, 5])


def features(
    products: Products, points: np.ndarray, bonds: np.ndarray, kind: tuple[int, int]
) -> torch.Tensor:
    M, gates = densities(points), torch.linspace(0.5, 2.0, 15, dtype=torch.float64).reshape(3, 5)
    axis = Axis(harmonics(bonds, 3).T, gates)
    gathered = products.gather(M, axis, torch.tensor([0, 2, 2]), 3, *kind)
    if products.axis_degree is None:
        return products.values(M, None, gathered, *kind)
    return products.values(M, axis, torch.cat([gathered, gathered], dim=2), *kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("products", [ATOMS, PAIRS], ids=["atoms", "pairs"])
def test_features_turn_like_their_degree_and_parity(
    products: Products, kind: tuple[int, int]
) -> None:
    rng = np.random.default_rng(kind)
    points, bonds = rng.standard_normal((3, 5, 4, 3)), rng.standard_normal((3, 3))
    rotation = -Rotation.random(random_state=4).as_matrix()  # and inversion
    before = features(products, points, bonds, kind)
    after = features(products, points @ rotation.T, bonds @ rotation.T, kind)
    assert before.shape[2] == len(products.orders(*kind))
    degree, parity = kind
    lm = slice(degree**2, (degree + 1) ** 2)
    probes = rng.standard_normal((40, 3))
    D = np.linalg.lstsq(
        harmonics(probes, degree)[:, lm].numpy(),
        harmonics(probes @ rotation.T, degree)[:, lm].numpy(),
        rcond=None,
    )[0].T
    # Harmonics carry the parity of a true tensor; a pseudo-tensor has the other.
    expected = (-1) ** parity * torch.einsum("mn,cnf->cmf", torch.from_numpy(D), before)
    assert before.abs().max() > 1e-3 or before.shape[2] == 0
    torch.testing.assert_close(after, expected, rtol=0, atol=1e-9)


def test_an_atom_gathers_the_sum_over_its_edges() -> None:
    rng = np.random.default_rng(8)
    points, bonds = rng.standard_normal((3, 5, 4, 3)), rng.standard_normal((3, 3))
    M = densities(points)
    axis = Axis(harmonics(bonds, 3).T, torch.ones((3, 5), dtype=torch.float64))
    own = ATOMS.gather(M, axis, torch.arange(3), 3, 1, 0)
    summed = ATOMS.gather(M, axis, torch.tensor([1, 1, 0]), 3, 1, 0)
    torch.testing.assert_close(summed[1], own[0] + own[1])
    torch.testing.assert_close(summed[0], own[2])
    assert not summed[2].any()
