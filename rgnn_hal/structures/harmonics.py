"""Real spherical harmonics and their exact Cartesian gradients.

A solid harmonic R_lm(r) = |r|^l Y_lm(r/|r|) is a homogeneous polynomial of degree l whose gradient
holds harmonics of degree l-1 only, and Wigner-Eckart fixes it up to one number per degree:

    dR_lm/dr_a = k_l sum_m' <l-1 m'; 1 a | l m> R_(l-1)m',     R_lm = (r . grad R_lm) / l  (Euler).

Both lines together are a recursion that yields values and gradients from Wigner 3j symbols alone,
with nothing to differentiate by machine. Normalisation: integral of Y_lm^2 over the sphere is 1.
Components run m = -l..l in the convention of e3nn fed with (y, z, x), so l = 1 is (y, z, x).
"""

from __future__ import annotations

import math
from functools import cache

import torch
from e3nn.o3 import wigner_3j
from torch import Tensor


def spherical_harmonics(directions: Tensor, lmax: int) -> tuple[Tensor, Tensor]:
    """Values (edges, (lmax+1)^2) and solid gradients (edges, (lmax+1)^2, 3) at unit vectors.

    `directions` is (edges, 3), of length one, in x, y, z. The gradients are those of the solid
    harmonics R_lm; `angular_gradient` turns them into gradients of Y_lm(r/|r|).
    """
    solid = [directions.new_full((len(directions), 1), 1.0 / math.sqrt(4.0 * math.pi))]
    gradients = [directions.new_zeros((len(directions), 1, 3))]
    for degree in range(1, lmax + 1):
        gradient = torch.einsum("em,mac->eca", solid[-1], ladder(degree).to(directions.dtype))
        gradients.append(gradient)
        solid.append(torch.einsum("eca,ea->ec", gradient, directions) / degree)
    return torch.cat(solid, dim=1), torch.cat(gradients, dim=1)


def solid_harmonics(directions: Tensor, lmax: int) -> Tensor:
    """The values alone, (edges, (lmax+1)^2), by Euler's relation degree by degree.

    A transposed view: edges lie side by side in memory, which takes a quarter of the time.
    """
    along = directions.T.contiguous()
    solid = [along.new_full((1, len(directions)), 1.0 / math.sqrt(4.0 * math.pi))]
    for degree in range(1, lmax + 1):
        outer = (solid[-1][:, None] * along).flatten(0, 1)
        raising = ladder(degree).to(along.dtype).flatten(0, 1) / degree
        solid.append(raising.T @ outer)
    return torch.cat(solid).T


def angular_gradient(
    values: Tensor, solid_gradients: Tensor, directions: Tensor, distances: Tensor
) -> Tensor:
    """dY_lm/dr_a, (edges, (lmax+1)^2, 3) per angstrom, for vectors of length `distances` (edges,).

    Y(r/|r|) is R without its radial growth: the part l Y_lm of the gradient along r goes.
    """
    radial_growth = (degrees(values.shape[1]).to(values.dtype) * values)[:, :, None]
    return (solid_gradients - radial_growth * directions[:, None, :]) / distances[:, None, None]


def degrees(components: int) -> Tensor:
    """Degree l of every component: 0, 1, 1, 1, 2, ... as int64 (components,)."""
    return torch.arange(components, dtype=torch.float64).sqrt().floor().to(torch.int64)


@cache
def ladder(degree: int) -> Tensor:
    """k_l <l-1 m'; 1 a | l m> of degree l as (2l-1, 3, 2l+1), a in x, y, z."""
    yzx_to_xyz = [2, 0, 1]
    coupling: Tensor = wigner_3j(degree - 1, 1, degree, dtype=torch.float64)[:, yzx_to_xyz, :]
    # At the pole only m = 0 survives, with Y_l0 = sqrt((2l+1)/4pi); that fixes size and sign.
    below = math.sqrt((2 * degree - 1) / (4.0 * math.pi))
    pole = below * float(coupling[degree - 1, 2, degree]) / degree
    return coupling * (math.sqrt((2 * degree + 1) / (4.0 * math.pi)) / pole)
