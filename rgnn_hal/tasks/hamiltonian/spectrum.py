"""The generalised eigenproblem H C = S C E, and what a molecule's levels say.

    S = L L^H,   (L^-1 H L^-H) U = U E,   C = L^-H U

with the Cholesky factor L of the overlap; leading axes are batches. H is in hartree; closed shells
hold two electrons, and levels are filled from below. `occupied_energy` is sum_n f_n E_n, the band
energy, not the total energy.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import DataError

SPIN = 2.0
"""Electrons that one level holds."""

Matrix = NDArray[Any]
"""Real symmetric or complex hermitian matrices, (..., orbitals, orbitals)."""


@dataclass(frozen=True)
class Spectrum:
    """Levels of one molecule or of a batch, hartree, ascending along the last axis."""

    energies: NDArray[np.float64]
    """(..., orbitals)."""
    coefficients: Matrix
    """(..., orbitals, levels), columns with C^H S C = 1."""
    occupations: NDArray[np.float64]
    """(orbitals,), electrons in each level."""

    @property
    def homo(self) -> NDArray[np.float64]:
        """Highest level that holds electrons, (...)."""
        return self.energies[..., self._occupied - 1]

    @property
    def lumo(self) -> NDArray[np.float64]:
        """Lowest empty level, (...)."""
        if self._occupied == len(self.occupations):
            raise DataError(
                f"all {self._occupied} levels hold electrons, so that there is no LUMO; "
                "the basis needs more orbitals"
            )
        return self.energies[..., self._occupied]

    @property
    def gap(self) -> NDArray[np.float64]:
        """LUMO minus HOMO, (...)."""
        return self.lumo - self.homo

    @property
    def occupied_energy(self) -> NDArray[np.float64]:
        """Energy of all electrons in their levels, (...)."""
        return np.asarray(self.energies @ self.occupations)

    @property
    def occupied_energies(self) -> NDArray[np.float64]:
        """Levels that hold electrons, (..., occupied)."""
        return self.energies[..., : self._occupied]

    @property
    def density(self) -> Matrix:
        """Density matrix C f C^H, (..., orbitals, orbitals); its trace with S counts electrons."""
        filled = self.coefficients * self.occupations
        return filled @ np.swapaxes(self.coefficients.conj(), -1, -2)

    @property
    def _occupied(self) -> int:
        return int(np.count_nonzero(self.occupations))


def spectrum(hamiltonian: Matrix, overlap: Matrix, electrons: int) -> Spectrum:
    """Levels of H, hartree, with `electrons` of them filled from below.

    Raises:
        DataError: shapes differ, S is not positive definite, or electrons do not fit the basis.
    """
    occupations = aufbau(hamiltonian.shape[-1], electrons)
    energies, coefficients = eigenstates(hamiltonian, overlap)
    return Spectrum(energies, coefficients, occupations)


def aufbau(orbitals: int, electrons: int) -> NDArray[np.float64]:
    """Electrons per level, (orbitals,): two in each from below, an odd one on top.

    Raises:
        DataError: fewer than one electron or more than the levels hold.
    """
    if not 0 < electrons <= SPIN * orbitals:
        raise DataError(
            f"{electrons} electrons do not fit into {orbitals} orbitals of two each; "
            "check the charge, and whether the basis is all-electron"
        )
    return np.clip(electrons - SPIN * np.arange(orbitals), 0.0, SPIN)


def eigenstates(hamiltonian: Matrix, overlap: Matrix) -> tuple[NDArray[np.float64], Matrix]:
    """Energies (..., orbitals), ascending, and C (..., orbitals, levels), S-orthonormal."""
    inverse = _inverse_factor(hamiltonian, overlap)
    adjoint = np.swapaxes(inverse.conj(), -1, -2)
    energies, vectors = np.linalg.eigh(inverse @ hamiltonian @ adjoint)
    return energies, adjoint @ vectors


def eigenvalues(hamiltonian: Matrix, overlap: Matrix) -> NDArray[np.float64]:
    """Energies (..., orbitals), ascending."""
    inverse = _inverse_factor(hamiltonian, overlap)
    return np.linalg.eigvalsh(inverse @ hamiltonian @ np.swapaxes(inverse.conj(), -1, -2))


def _inverse_factor(hamiltonian: Matrix, overlap: Matrix) -> Matrix:
    """L^-1 of S = L L^H."""
    square = hamiltonian.ndim >= 2 and hamiltonian.shape[-1] == hamiltonian.shape[-2]
    if not square or hamiltonian.shape != overlap.shape:
        raise DataError(
            f"H has shape {hamiltonian.shape} and S {overlap.shape}; both must be "
            "(..., orbitals, orbitals) of one basis"
        )
    if not (np.isfinite(hamiltonian).all() and np.isfinite(overlap).all()):
        raise DataError("H or S holds NaN or infinity")
    try:
        return np.linalg.inv(np.linalg.cholesky(overlap))
    except np.linalg.LinAlgError as error:
        lowest = np.linalg.eigvalsh(overlap)[..., 0].min()
        raise DataError(
            f"the overlap is not positive definite: its lowest eigenvalue is {lowest:.3g}; "
            "a predicted overlap is too coarse, or the basis is linearly dependent"
        ) from error
