import math

import numpy as np
import pytest
import torch
from e3nn import o3
from scipy.special import sph_harm_y

from rgnn_hal.structures import (
    angular_gradient,
    degrees,
    solid_harmonics,
    spherical_harmonics,
)

LMAX = 5


def random_vectors(count: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(count, 3)))


def harmonics_of(vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    distance = vectors.norm(dim=1)
    direction = vectors / distance[:, None]
    values, solid = spherical_harmonics(direction, LMAX)
    return values, angular_gradient(values, solid, direction, distance)


def test_values_are_those_of_e3nn_fed_with_y_z_x() -> None:
    vectors = random_vectors(50)
    expected = torch.cat(
        [
            o3.spherical_harmonics(n, vectors[:, [1, 2, 0]], True, normalization="integral")
            for n in range(LMAX + 1)
        ],
        dim=1,
    )
    torch.testing.assert_close(harmonics_of(vectors)[0], expected, rtol=0, atol=2e-7)


def test_values_alone_are_those_with_gradients() -> None:
    vectors = random_vectors(30)
    directions = vectors / vectors.norm(dim=1, keepdim=True)
    values, _ = spherical_harmonics(directions, LMAX)
    torch.testing.assert_close(solid_harmonics(directions, LMAX), values, rtol=0, atol=1e-14)


def test_sum_over_m_agrees_with_the_complex_harmonics_of_scipy() -> None:
    """The addition theorem compares bases whatever their phases: sum_m Y_m(a) Y_m(b)."""
    first, second = random_vectors(20, seed=1), random_vectors(20, seed=2)
    ours = harmonics_of(first)[0] * harmonics_of(second)[0]
    for degree in range(LMAX + 1):
        m = np.arange(-degree, degree + 1)
        complex_values = [
            sph_harm_y(
                degree,
                m[None],
                torch.acos(v[:, 2] / v.norm(dim=1)).numpy()[:, None],
                torch.atan2(v[:, 1], v[:, 0]).numpy()[:, None],
            )
            for v in (first, second)
        ]
        expected = (complex_values[0] * complex_values[1].conj()).sum(axis=1).real
        got = ours[:, degrees(ours.shape[1]) == degree].sum(dim=1)
        np.testing.assert_allclose(got.numpy(), expected, atol=1e-13)


def test_harmonics_are_orthonormal_on_the_sphere() -> None:
    nodes, weights = np.polynomial.legendre.leggauss(LMAX + 2)
    azimuth = 2 * math.pi * np.arange(2 * LMAX + 3) / (2 * LMAX + 3)
    z, phi = np.meshgrid(nodes, azimuth, indexing="ij")
    radius = np.sqrt(1 - z**2)
    points = np.stack([radius * np.cos(phi), radius * np.sin(phi), z], axis=-1).reshape(-1, 3)
    area = np.repeat(weights, len(azimuth)) * 2 * math.pi / len(azimuth)
    values = harmonics_of(torch.from_numpy(points))[0].numpy()
    np.testing.assert_allclose(values.T @ (area[:, None] * values), np.eye(36), atol=1e-13)


def test_gradients_equal_finite_differences() -> None:
    vectors = random_vectors(30, seed=3)
    _, gradient = harmonics_of(vectors)
    for axis in range(3):
        step = torch.zeros(3, dtype=torch.float64)
        step[axis] = 1e-5
        difference = (harmonics_of(vectors + step)[0] - harmonics_of(vectors - step)[0]) / 2e-5
        assert (gradient[:, :, axis] - difference).abs().max() < 1e-7


@pytest.mark.parametrize("component", [1, 4, 7, 12, 20])
def test_components_of_degree_above_zero_do_not_change_along_the_radius(component: int) -> None:
    vectors = random_vectors(10, seed=4)
    along = (harmonics_of(vectors)[1] * vectors[:, None, :]).sum(dim=2)
    assert along[:, component].abs().max() < 1e-14
