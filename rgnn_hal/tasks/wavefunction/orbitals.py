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
from functools import cached_property

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
        arrow, r = self._polar(points)
        polynomial, decay, _ = self._radial(r)
        return (polynomial * decay) @ self._table.radial * self._angular(arrow)

    def evaluate(self, points: Tensor) -> OrbitalValues:
        """chi with gradients and Laplacians at points (..., 3)."""
        table = self._table
        arrow, r = self._polar(points)
        f, over_r, laplacian = (part @ table.radial for part in self._derivatives(r))
        angular = self._angular(arrow)
        rise = (over_r * angular)[..., None, :] * (arrow.mT @ table.centre)
        return OrbitalValues(f * angular, rise + f[..., None, :] * table.axes, laplacian * angular)

    def _polar(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors from all nuclei, (..., A, 3), and their lengths."""
        arrow = points[..., None, :] - self.molecule.nuclei
        return arrow, arrow.norm(dim=-1)

    def _angular(self, arrow: Tensor) -> Tensor:
        """1, x, y or z of every function, (..., m)."""
        terms = torch.cat([torch.ones_like(arrow[..., :1]), arrow], dim=-1)
        return terms.flatten(-2) @ self._table.harmonic

    def _radial(self, r: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The two factors of f, normalised, and r, each (..., radial functions)."""
        table, charges = self._table, self.molecule.charges
        v, _, _ = nuclear_cusp(r, charges)
        far, cusp = r @ table.nucleus, (charges * v) @ table.nucleus
        decay = torch.exp(cusp - table.exponent * far) * table.norm
        return 1.0 + table.slope * far, decay, far

    def _derivatives(self, r: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """f, f'/r and the Laplacian's f'' + 2 (l + 1) f'/r, each (..., radial functions)."""
        table, charges = self._table, self.molecule.charges
        _, dv, ddv = nuclear_cusp(r, charges)
        polynomial, decay, far = self._radial(r)
        rate = (charges * dv) @ table.nucleus - table.exponent
        bend = (charges * ddv) @ table.nucleus
        over_r = (table.slope + polynomial * rate) * decay / far
        curvature = (2.0 * table.slope * rate + polynomial * (bend + rate**2)) * decay
        return polynomial * decay, over_r, curvature + 2.0 * (table.degree + 1) * over_r

    @cached_property
    def _table(self) -> _Table:
        radial = [(s.nucleus, s.degree, zeta) for s in self.shells for zeta in s.exponents]
        nucleus, degree, exponent = (torch.tensor(column) for column in zip(*radial, strict=True))
        functions, first = [], 0
        for shell in self.shells:
            count = len(shell.exponents)
            for direction in range(1, 4) if shell.degree else (0,):
                functions += [(first + k, shell.nucleus, direction) for k in range(count)]
            first += count
        which, centre, axis = (torch.tensor(column) for column in zip(*functions, strict=True))
        exponent = exponent.double()
        nuclei = len(self.molecule.numbers)
        return _Table(
            nucleus=_lookup(nucleus, nuclei),
            degree=degree,
            exponent=exponent,
            slope=exponent - self.molecule.charges[nucleus] / (degree + 1),
            norm=exponent ** (degree + 1.5),
            radial=_lookup(which, first),
            centre=_lookup(centre, nuclei),
            harmonic=_lookup(4 * centre + axis, 4 * nuclei),
            axes=torch.eye(4, dtype=torch.float64)[1:, axis],
        )


@dataclass(frozen=True)
class _Table:
    """Radial functions one by one, then the functions that they make; see `_lookup`."""

    nucleus: Tensor
    """From nuclei, (A, radial functions)."""
    degree: Tensor
    exponent: Tensor
    slope: Tensor
    """zeta - Z/(l+1)."""
    norm: Tensor
    radial: Tensor
    """From radial functions, (radial functions, m)."""
    centre: Tensor
    """From nuclei, (A, m)."""
    harmonic: Tensor
    """From 1, x, y and z of every nucleus, (4 A, m)."""
    axes: Tensor
    """d Y / dx_a, (3, m)."""


def _lookup(which: Tensor, count: int) -> Tensor:
    """x @ this is x[..., which], in a seventh of the time; x has `count` columns."""
    matrix: Tensor = torch.nn.functional.one_hot(which, count).double().T.contiguous()
    return matrix


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
