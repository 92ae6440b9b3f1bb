"""Orbitals: sums of Slater functions whose cusps are exact at every nucleus.

    phi_j(r) = exp(-sum_B Z_B v_B(r_B)) sum_m c_jm chi_m(r)

    chi(r) = Y_l(r - A) (1 + (zeta - Z/(l+1)) r_A) exp(-zeta r_A + Z v_A(r_A))

With its own factor exp(-Z v_A) divided out, chi on atom A is a Slater function with the slope that
Kato demands for angular momentum l, whatever zeta; zeta = Z is the hydrogen-like 1s orbital itself.
The common factor belongs to the Jastrow factor (`cusps`); here are the smooth sums. Exponents are
even-tempered between an atom's diffuse valence and its core.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rgnn_hal.tasks.wavefunction.cusps import nuclear_cusp
from rgnn_hal.tasks.wavefunction.molecule import Molecule


@dataclass(frozen=True)
class OrbitalValues:
    """Functions at electrons: `value` and `laplacian` (..., m), `gradient` (..., 3, m)."""

    value: Tensor
    gradient: Tensor
    laplacian: Tensor

    def combine(self, coefficients: Tensor) -> OrbitalValues:
        """Linear combinations; `coefficients` (m, orbitals)."""
        return OrbitalValues(
            self.value @ coefficients, self.gradient @ coefficients, self.laplacian @ coefficients
        )


@dataclass(frozen=True)
class Shell:
    """Functions of one nucleus and one angular momentum, s (l = 0) or p (l = 1)."""

    nucleus: int
    degree: int
    exponents: tuple[float, ...]


@dataclass(frozen=True)
class SlaterBasis:
    """The functions chi of a molecule."""

    molecule: Molecule
    shells: tuple[Shell, ...]

    @property
    def size(self) -> int:
        """Number of functions."""
        return sum(len(shell.exponents) * (2 * shell.degree + 1) for shell in self.shells)

    def values(self, points: Tensor) -> Tensor:
        """chi at points (..., 3): (..., m)."""
        columns = []
        for shell in self.shells:
            arrow, r = self._polar(points, shell.nucleus)
            radial, _, _ = self._radial(shell, r)
            columns.append(radial if shell.degree == 0 else _times_xyz(radial, arrow))
        return torch.cat(columns, dim=-1)

    def evaluate(self, points: Tensor) -> OrbitalValues:
        """chi with gradients and Laplacians at points (..., 3)."""
        values, gradients, laplacians = [], [], []
        for shell in self.shells:
            arrow, r = self._polar(points, shell.nucleus)
            f, slope, curvature = self._radial(shell, r)
            over_r = slope / r[..., None]
            rise = arrow[..., :, None] * over_r[..., None, :]
            laplacian = curvature + 2.0 * (shell.degree + 1) * over_r
            if shell.degree == 1:
                outer = rise[..., :, None, :] * arrow[..., None, :, None]
                outer = outer + torch.eye(3, dtype=f.dtype)[:, :, None] * f[..., None, None, :]
                rise, laplacian = outer.flatten(-2), _times_xyz(laplacian, arrow)
                f = _times_xyz(f, arrow)
            values.append(f)
            gradients.append(rise)
            laplacians.append(laplacian)
        return OrbitalValues(
            torch.cat(values, -1), torch.cat(gradients, -1), torch.cat(laplacians, -1)
        )

    def _polar(self, points: Tensor, nucleus: int) -> tuple[Tensor, Tensor]:
        arrow = points - self.molecule.nuclei[nucleus]
        return arrow, arrow.norm(dim=-1)

    def _radial(self, shell: Shell, r: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """f, f' and f'' of the radial factor, (..., exponents)."""
        charge = self.molecule.charges[shell.nucleus]
        zeta = torch.tensor(shell.exponents, dtype=r.dtype)
        r = r[..., None]
        v, dv, ddv = nuclear_cusp(r, charge)
        slope = zeta - charge / (shell.degree + 1)
        polynomial = 1.0 + slope * r
        decay = torch.exp(charge * v - zeta * r) * zeta ** (shell.degree + 1.5)
        rate = charge * dv - zeta
        return (
            polynomial * decay,
            (slope + polynomial * rate) * decay,
            (2.0 * slope * rate + polynomial * (charge * ddv + rate**2)) * decay,
        )


def slater_basis(molecule: Molecule) -> SlaterBasis:
    """The default functions: s and p on every atom."""
    shells = []
    for nucleus, charge in enumerate(molecule.numbers):
        s, p = _exponents(charge)
        shells += [Shell(nucleus, 0, s), Shell(nucleus, 1, p)]
    return SlaterBasis(molecule, tuple(shells))


def _exponents(charge: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if charge <= 2:
        return tuple(charge * x for x in (0.6, 1.0, 1.5, 2.5)), tuple(
            charge * x for x in (0.8, 1.4, 2.4)
        )
    valence = 0.325 * (charge - 1)  # Slater's rule for 2s and 2p
    s = (0.8 * valence, 1.4 * valence, 2.4 * valence, 0.75 * charge, 1.0 * charge, 1.5 * charge)
    return s, (0.9 * valence, 1.5 * valence, 2.6 * valence)


def _times_xyz(radial: Tensor, arrow: Tensor) -> Tensor:
    """x f, y f, z f of every f, (..., 3 * f): all of x first."""
    return (arrow[..., :, None] * radial[..., None, :]).flatten(-2)
