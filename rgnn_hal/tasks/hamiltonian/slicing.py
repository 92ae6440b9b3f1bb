"""Energies of large crystals without diagonalising: shift-invert, and counting by inertia.

    A = H(k) - E S(k) = L D L^H

By Sylvester's law as many energies lie below E as D has negative entries, whatever the size of the
crystal (Golub and Van Loan, Matrix Computations, 8.7), and the same factors turn the energies
nearest to E into the dominant ones of A^-1 S, which ARPACK finds. One sparse factorisation thus
gives energies *and* their band indices. Forty energies of graphene take 0.5 s of one core at 1,210
orbitals (all of them: 2.1 s) and 5 s at 4,840, of which the factors take 0.1 and 1.4 s.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csc_array
from scipy.sparse.linalg import ArpackError, LinearOperator, SuperLU, eigsh, splu

from rgnn_hal.macro import DataError
from rgnn_hal.tasks.hamiltonian.crystal import Crystal
from rgnn_hal.tasks.hamiltonian.filling import WaveVectors, fermi_level
from rgnn_hal.tasks.hamiltonian.spectrum import SPIN

_NUDGE = 1e-7
"""Hartree; moves a shift off an energy that it happens to hit."""
_RESIDUAL = 1e-6
"""Of a solution with the factors, relative."""
_RECENTRINGS = 8
_WIDEST = 1e3
"""Hartree; no valence band lies further away."""


@dataclass(frozen=True)
class Slice:
    """Some consecutive energies at one wave vector."""

    energies: NDArray[np.float64]
    """Hartree, ascending."""
    first: int
    """Band index of the lowest, from 0."""


def energies_near(crystal: Crystal, k: ArrayLike, energy: float, count: int) -> Slice:
    """The `count` energies nearest to `energy`, hartree, at the wave vector (3,).

    Raises:
        DataError: more energies than the crystal has, an overlap that is not positive definite, or
            ARPACK fails.
    """
    if not 0 < count < crystal.size - 1:
        raise DataError(
            f"{count} energies of {crystal.size} cannot be found one by one; ask for at most "
            f"{crystal.size - 2}, or for all of them"
        )
    hamiltonian, overlap = crystal.hamiltonian.sparse(k), crystal.overlap.sparse(k)
    negative = _factorise(overlap, overlap, 0.0)[2]
    if negative:
        point = np.asarray(k).round(4).tolist()
        raise DataError(
            f"the overlap is not positive definite at k = {point}: {negative} of {crystal.size} "
            "eigenvalues are negative; a predicted overlap is too coarse"
        )
    shift, factors, below = _factorise(hamiltonian, overlap, energy)
    inverse = LinearOperator(hamiltonian.shape, matvec=factors.solve, dtype=np.complex128)
    start = np.random.default_rng(0).normal(size=crystal.size)
    try:
        found = eigsh(
            hamiltonian,
            k=count,
            M=overlap,
            sigma=shift,
            OPinv=inverse,
            v0=start.astype(np.complex128),
            return_eigenvectors=False,
        )
    except ArpackError as error:
        raise DataError(f"ARPACK found no energies near {energy:g} hartree: {error}") from error
    energies = np.sort(found.real)
    return Slice(energies, below - int(np.count_nonzero(energies < shift)))


def states_below(crystal: Crystal, k: ArrayLike, energy: float) -> int:
    """Bands below `energy`, hartree, at the wave vector (3,)."""
    return _factorise(crystal.hamiltonian.sparse(k), crystal.overlap.sparse(k), energy)[2]


def fermi_level_by_counting(
    crystal: Crystal, grid: WaveVectors, electrons: float, guess: float, count: int = 24
) -> float:
    """The sharp Fermi level of `fermi_level`, hartree, of a crystal too large to diagonalise.

    Bisection on the number of states below an energy comes within a few states of the answer,
    and the `count` energies around it give the rest.

    Raises:
        DataError: `count` is too small, or there is no such level.
    """

    def missing(energy: float) -> float:
        below = np.array([states_below(crystal, k, energy) for k in grid.points])
        return electrons - SPIN * float(grid.weights @ below)

    energy = _bisect(missing, guess, tolerance=0.25 * SPIN * count)
    for _ in range(_RECENTRINGS):
        slices = [energies_near(crystal, k, energy, count) for k in grid.points]
        energies = np.stack([piece.energies for piece in slices])
        first = np.array([piece.first for piece in slices])
        left = electrons - SPIN * float(grid.weights @ first)
        if left <= 0:
            energy = float(energies.min())
        elif left >= SPIN * count:
            energy = float(energies.max())
        else:
            energy = fermi_level(energies, grid.weights, left)
            if energies[:, 0].max() <= energy <= energies[:, -1].min():
                return energy
    raise DataError(
        f"{count} energies per wave vector do not reach the Fermi level from both sides; take more"
    )


def _bisect(missing: Callable[[float], float], guess: float, tolerance: float) -> float:
    """An energy where `missing`, which falls as energy rises, is within `tolerance` of zero."""
    energy, reach = guess, 0.02
    low, high = -np.inf, np.inf
    while abs(lack := missing(energy)) > tolerance:
        low, high = (energy, high) if lack > 0 else (low, energy)
        if np.isfinite(low) and np.isfinite(high):
            energy = 0.5 * (low + high)
        else:
            energy += np.copysign(reach, lack)
            reach *= 2
        if abs(energy - guess) > _WIDEST or high - low < _NUDGE:
            raise DataError(f"no Fermi level found from {guess:g} hartree; {lack:g} electrons miss")
    return energy


def _factorise(
    hamiltonian: csc_array, overlap: csc_array, energy: float
) -> tuple[float, SuperLU, int]:
    """A shift at `energy` or just beside, factors of H - shift S, and the energies below."""
    probe = np.random.default_rng(1).normal(size=hamiltonian.shape[0]).astype(np.complex128)
    for attempt in range(4):
        shift = energy + attempt * _NUDGE
        matrix = csc_array(hamiltonian - shift * overlap)
        try:
            factors = splu(
                matrix,
                permc_spec="MMD_AT_PLUS_A",
                diag_pivot_thresh=0.0,
                options={"SymmetricMode": True},
            )
        except RuntimeError:  # exactly singular: the shift is an energy
            continue
        # Only with pivots on the diagonal is U = D L^H, so that its signs count energies, and
        # without a choice of pivots the factors may have lost digits.
        on_diagonal = np.array_equal(factors.perm_r, factors.perm_c)
        residual = np.linalg.norm(matrix @ factors.solve(probe) - probe)
        if on_diagonal and residual < _RESIDUAL * np.linalg.norm(probe):
            return shift, factors, int(np.count_nonzero(factors.U.diagonal().real < 0))
    raise DataError(
        f"H - E S cannot be factorised near E = {energy:g} hartree; diagonalise the crystal whole"
    )
