"""Crystals in localized orbitals: the sparse H(R), S(R), and their sums at a wave vector.

    H(k) = sum_R exp(2 pi i k . R) H(R),   H_ij(R) = <phi_i(0)|H|phi_j(R)>

R is the integer cell of the second orbital, k is in fractions of the reciprocal vectors. Files hold
half of the blocks, one of each pair (i, j, R) and (j, i, -R); the other follows from
H_ji(-R) = H_ij(R)^T, so that H(k) is hermitian by construction. Energies are in hartree, the cell
in angstrom.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csc_array

from rgnn_hal.macro import DataError
from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFrame
from rgnn_hal.tasks.hamiltonian.orbitals import OrbitalBasis
from rgnn_hal.tasks.hamiltonian.pairlist import PairList
from rgnn_hal.tasks.hamiltonian.spectrum import eigenvalues

_ASYMMETRY = 1e-6
"""What an on-site block may differ from its transpose by; graphene's data: 8e-9."""
_CHUNK_BYTES = 2**27
"""Dense matrices held at once."""


@dataclass(frozen=True)
class LatticeMatrix:
    """A real operator between orbitals of cell 0 and of all cells, M(R) = M(-R)^T, sparse."""

    translations: NDArray[np.int_]
    """(cells, 3)."""
    cell: NDArray[np.int_]
    """(entries,), row of `translations` that an entry belongs to."""
    row: NDArray[np.int_]
    column: NDArray[np.int_]
    value: NDArray[np.float64]
    size: int
    """Orbitals per cell."""

    @classmethod
    def from_pairs(
        cls, pairs: PairList, blocks: NDArray[np.float64], orbitals: NDArray[np.int_]
    ) -> "LatticeMatrix":
        """Both halves from one.

        Args:
            pairs: half of the pairs of atoms, each in either direction.
            blocks: (pairs, widest, widest); where an atom has fewer orbitals, the rest is padding.
            orbitals: (atoms,), orbitals of every atom.

        Raises:
            DataError: shapes do not fit, a pair is stored twice, NaN, asymmetric on-site blocks.
        """
        _check(pairs, blocks, orbitals)
        own = pairs.on_site
        exact = np.where(own[:, None, None], 0.5 * (blocks + blocks.swapaxes(1, 2)), blocks)
        start = np.concatenate([[0], np.cumsum(orbitals)])
        used = np.arange(blocks.shape[-1]) < orbitals[:, None]
        pair, a, b = np.nonzero(used[pairs.first][:, :, None] & used[pairs.second][:, None, :])
        row, column = start[pairs.first[pair]] + a, start[pairs.second[pair]] + b
        value, shift, back = exact[pair, a, b], pairs.shift[pair], ~own[pair]
        translations, cell = np.unique(
            np.concatenate([shift, -shift[back]]), axis=0, return_inverse=True
        )
        return cls(
            translations=translations,
            cell=cell.ravel(),
            row=np.concatenate([row, column[back]]),
            column=np.concatenate([column, row[back]]),
            value=np.concatenate([value, value[back]]),
            size=int(start[-1]),
        )

    def dense(self, k: ArrayLike) -> NDArray[np.complex128]:
        """M at wave vectors (points, 3), as (points, size, size)."""
        phases = self._phases(np.atleast_2d(np.asarray(k, dtype=np.float64)))
        return (phases @ self._stack).reshape(-1, self.size, self.size)

    def sparse(self, k: ArrayLike) -> csc_array:
        """M at one wave vector (3,)."""
        phase = self._phases(np.asarray(k, dtype=np.float64)[None])[0][self.cell]
        rows, pointers, place = self._pattern
        weighted = self.value * phase
        values = np.bincount(place, weighted.real, len(rows)) + 1j * np.bincount(
            place, weighted.imag, len(rows)
        )
        return csc_array((values, rows, pointers), shape=(self.size, self.size))

    def repeated(self, repeats: tuple[int, int, int]) -> "LatticeMatrix":
        """The same operator in a supercell; its orbitals are ordered cell by cell, then as here."""
        n = np.array(repeats)
        inner = np.stack(np.unravel_index(np.arange(n.prod()), repeats), axis=1)
        reached = inner[:, None, :] + self.translations[self.cell]
        outer, inside = np.divmod(reached, n)
        arrival = np.ravel_multi_index(tuple(np.moveaxis(inside, -1, 0)), repeats)
        translations, cell = np.unique(outer.reshape(-1, 3), axis=0, return_inverse=True)
        departure = np.arange(len(inner))[:, None]
        return LatticeMatrix(
            translations=translations,
            cell=cell.ravel(),
            row=(departure * self.size + self.row).ravel(),
            column=(arrival * self.size + self.column).ravel(),
            value=np.tile(self.value, len(inner)),
            size=self.size * len(inner),
        )

    def _phases(self, k: NDArray[np.float64]) -> NDArray[np.complex128]:
        phases: NDArray[np.complex128] = np.exp(2j * np.pi * (k @ self.translations.T))
        return phases

    @cached_property
    def _stack(self) -> NDArray[np.float64]:
        """Dense M(R), (cells, size * size)."""
        stack = np.zeros((len(self.translations), self.size * self.size))
        np.add.at(stack, (self.cell, self.row * self.size + self.column), self.value)
        return stack

    @cached_property
    def _pattern(self) -> tuple[NDArray[np.int_], NDArray[np.int_], NDArray[np.int_]]:
        """Rows, column pointers and each entry's place of the pattern that all k share."""
        flat, place = np.unique(self.column * self.size + self.row, return_inverse=True)
        column, row = np.divmod(flat, self.size)
        pointers = np.searchsorted(column, np.arange(self.size + 1))
        return row, pointers, place.ravel()


@dataclass(frozen=True)
class Crystal:
    """What bands, Fermi level and density of states follow from."""

    lattice: NDArray[np.float64]
    """(3, 3), lattice vectors as rows, angstrom."""
    hamiltonian: LatticeMatrix
    overlap: LatticeMatrix

    def __post_init__(self) -> None:
        if self.lattice.shape != (3, 3) or abs(np.linalg.det(self.lattice)) < 1e-6:
            raise DataError(
                "there is no periodic cell; bands need one, the levels of a molecule are a spectrum"
            )
        if self.hamiltonian.size != self.overlap.size:
            raise DataError(
                f"H has {self.hamiltonian.size} orbitals per cell and S {self.overlap.size}; "
                "both must stand in one basis"
            )

    @classmethod
    def from_frame(cls, frame: HamiltonianFrame, basis: OrbitalBasis) -> "Crystal":
        """The crystal of a data frame or of a prediction.

        Raises:
            DataError: a molecule, or matrices that are not hermitian.
        """
        orbitals = np.diff(basis.offsets(frame.atoms.numbers))
        try:
            return cls(
                lattice=np.asarray(frame.atoms.cell.array),
                hamiltonian=LatticeMatrix.from_pairs(frame.pairs, frame.hamiltonian, orbitals),
                overlap=LatticeMatrix.from_pairs(frame.pairs, frame.overlap, orbitals),
            )
        except DataError as error:
            raise DataError(f"{frame.where}: {error}") from error

    @property
    def size(self) -> int:
        """Orbitals per cell."""
        return self.hamiltonian.size

    def energies(self, k: ArrayLike) -> NDArray[np.float64]:
        """All energies at wave vectors (points, 3), hartree, ascending, (points, size).

        Raises:
            DataError: the overlap is not positive definite.
        """
        points = np.atleast_2d(np.asarray(k, dtype=np.float64))
        at_once = max(1, _CHUNK_BYTES // (16 * self.size**2))
        parts = [points[s : s + at_once] for s in range(0, len(points), at_once)]
        return np.concatenate(
            [eigenvalues(self.hamiltonian.dense(k), self.overlap.dense(k)) for k in parts]
        )

    def repeated(self, repeats: tuple[int, int, int]) -> "Crystal":
        """The same crystal, described by a supercell."""
        if min(repeats) < 1:
            raise DataError(f"a supercell of {repeats} cells is none; every repeat is at least 1")
        return Crystal(
            lattice=self.lattice * np.array(repeats)[:, None],
            hamiltonian=self.hamiltonian.repeated(repeats),
            overlap=self.overlap.repeated(repeats),
        )


def _check(pairs: PairList, blocks: NDArray[np.float64], orbitals: NDArray[np.int_]) -> None:
    count, widest = len(pairs), int(orbitals.max(initial=0))
    square = blocks.ndim == 3 and blocks.shape[1] == blocks.shape[2] >= widest
    if not square or len(blocks) != count:
        raise DataError(
            f"{count} pairs of atoms with up to {widest} orbitals do not fit blocks {blocks.shape}"
        )
    ends = np.concatenate([pairs.first, pairs.second])
    if count and not 0 <= ends.min() <= ends.max() < len(orbitals):
        raise DataError(
            f"pairs name atoms {ends.min()} to {ends.max()}, but there are {len(orbitals)}"
        )
    if not np.isfinite(blocks).all():
        raise DataError("a block holds NaN or infinity")
    own = pairs.on_site
    forth = np.column_stack([pairs.first, pairs.second, pairs.shift])
    back = np.column_stack([pairs.second, pairs.first, -pairs.shift])[~own]
    seen, times = np.unique(np.concatenate([forth, back]), axis=0, return_counts=True)
    if (times > 1).any():
        i, j, *R = seen[times.argmax()].tolist()
        raise DataError(
            f"the pair of atoms {i} and {j} in cell {tuple(R)} is stored twice; "
            "store (i, j, R) or (j, i, -R), not both"
        )
    asymmetry = np.abs(blocks[own] - blocks[own].swapaxes(1, 2)).max(initial=0.0)
    if asymmetry > _ASYMMETRY:
        raise DataError(
            f"an on-site block differs from its transpose by {asymmetry:.3g}, more than "
            f"{_ASYMMETRY:g}; H and S must be hermitian"
        )
