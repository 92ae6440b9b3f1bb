"""Messages between atoms turn like tensors and come from two channels of one atom."""

import numpy as np
import pytest
import torch
from e3nn.o3 import wigner_3j
from scipy.spatial.transform import Rotation

from rgnn_hal.reservoir.equivariant import MESSAGE_DEGREE, Components
from rgnn_hal.reservoir.messages import messages
from rgnn_hal.structures import spherical_harmonics


def components(points: np.ndarray, lmax: int) -> Components:
    """Harmonics of points (atoms, channels, 3)."""
    unit = torch.from_numpy(points / np.linalg.norm(points, axis=2, keepdims=True))
    values = spherical_harmonics(unit.reshape(-1, 3), lmax)[0].reshape(*points.shape[:2], -1)
    return torch.split(values.permute(2, 0, 1), [2 * degree + 1 for degree in range(lmax + 1)])


@pytest.mark.parametrize("lmax", [0, 1, 4])
def test_messages_turn_like_harmonics_of_their_degree(lmax: int) -> None:
    rng = np.random.default_rng(lmax)
    points = rng.standard_normal((3, 5, 3))
    rotation = -Rotation.random(random_state=2).as_matrix()  # and inversion
    before = messages(components(points, lmax), 4)
    after = messages(components(points @ rotation.T, lmax), 4)
    top = min(lmax, MESSAGE_DEGREE)
    assert before.shape == ((top + 1) ** 2, 3, 4)
    probes = rng.standard_normal((1, 60, 3))
    for degree in range(top + 1):
        lm = slice(degree**2, (degree + 1) ** 2)
        here, there = (
            torch.cat(components(turned, lmax))[lm, 0].T for turned in (probes, probes @ rotation.T)
        )
        D = torch.linalg.lstsq(here, there).solution
        torch.testing.assert_close(
            after[lm], torch.einsum("mn,mac->nac", D, before[lm]), rtol=0, atol=1e-9
        )


def test_a_message_couples_a_channel_with_the_next_and_the_last_with_the_first() -> None:
    rng = np.random.default_rng(3)
    P = components(rng.standard_normal((2, 3, 3)), 1)
    found = messages(P, 3)
    assert torch.allclose(found[0, :, 0], P[0][0, :, 0] * P[0][0, :, 1])
    vector = wigner_3j(1, 1, 0, dtype=torch.float64)[:, :, 0]
    dot = torch.einsum("mn,ma,na->a", vector, P[1][:, :, 1], P[1][:, :, 2])
    assert torch.allclose(found[0, :, 1], dot)
    assert torch.allclose(found[1:, :, 2], P[0][:, :, 2] * P[1][:, :, 0])


def test_fewer_channels_than_pairs_of_degrees_take_the_first_pairs() -> None:
    P = components(np.random.default_rng(4).standard_normal((2, 8, 3)), 2)
    few, more = messages(P, 2), messages(P, 8)
    assert few.shape == (9, 2, 2)
    torch.testing.assert_close(few, more[..., :2], rtol=0, atol=1e-12)
