"""Tight-binding models whose bands are known by hand, and random ones."""

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.tasks.hamiltonian.crystal import Crystal, LatticeMatrix
from rgnn_hal.tasks.hamiltonian.pairlist import PairList

HOPPING = -0.1
OVERLAP = 0.13
"""Hartree and pure number, about carbon's pz neighbours."""


def pair_list(rows: list[tuple[int, int, tuple[int, int, int]]]) -> PairList:
    return PairList(
        np.array([row[0] for row in rows]),
        np.array([row[1] for row in rows]),
        np.array([row[2] for row in rows]).reshape(-1, 3),
    )


def single_orbitals(
    lattice: NDArray[np.float64],
    rows: list[tuple[int, int, tuple[int, int, int]]],
    hamiltonian: list[float],
    overlap: list[float],
) -> Crystal:
    """One orbital per atom, one number per pair."""
    pairs = pair_list(rows)
    ones = np.ones(int(pairs.second.max()) + 1, dtype=int)

    def matrix(values: list[float]) -> LatticeMatrix:
        return LatticeMatrix.from_pairs(pairs, np.array(values)[:, None, None], ones)

    return Crystal(lattice, matrix(hamiltonian), matrix(overlap))


def chain(hopping: float = HOPPING, overlap: float = OVERLAP) -> Crystal:
    """E(k) = 2 t cos(2 pi k) / (1 + 2 s cos(2 pi k))."""
    rows = [(0, 0, (0, 0, 0)), (0, 0, (1, 0, 0))]
    return single_orbitals(np.diag([2.0, 9, 9]), rows, [0.0, hopping], [1.0, overlap])


def graphene(hopping: float = HOPPING, overlap: float = OVERLAP) -> Crystal:
    """E(k) = +-t |g| / (1 +- s |g|), g = 1 + exp(-2 pi i k_1) + exp(2 pi i k_2); 120 degrees."""
    a = 2.46
    lattice = np.array([[a, 0, 0], [-a / 2, a * np.sqrt(3) / 2, 0], [0, 0, 15.0]])
    rows = [(0, 0, (0, 0, 0)), (1, 1, (0, 0, 0))]
    rows += [(0, 1, (0, 0, 0)), (0, 1, (-1, 0, 0)), (0, 1, (0, 1, 0))]
    on_site, neighbours = [0.0, 0.0], [hopping] * 3
    return single_orbitals(lattice, rows, on_site + neighbours, [1.0, 1.0] + [overlap] * 3)


def graphene_energies(
    k: NDArray[np.float64], hopping: float = HOPPING, overlap: float = OVERLAP
) -> NDArray[np.float64]:
    g = np.abs(1 + np.exp(-2j * np.pi * k[:, 0]) + np.exp(2j * np.pi * k[:, 1]))
    both = [sign * hopping * g / (1 + sign * overlap * g) for sign in (1, -1)]
    return np.sort(np.stack(both, axis=1), axis=1)


def random_crystal(seed: int, atoms: int = 3, widest: int = 4) -> tuple[Crystal, PairList]:
    """Random hermitian blocks between atoms with 1 to `widest` orbitals; S is near the identity."""
    rng = np.random.default_rng(seed)
    orbitals = rng.integers(1, widest + 1, atoms)
    rows = [(i, j, (0, 0, 0)) for i in range(atoms) for j in range(i, atoms)]
    rows += [
        (i, j, R)
        for R in [(1, 0, 0), (0, 1, -1), (1, -2, 0)]
        for i in range(atoms)
        for j in range(atoms)
    ]
    order = rng.permutation(len(rows))
    pairs = pair_list([rows[index] for index in order])
    own = pairs.on_site[:, None, None]
    hamiltonian = rng.normal(size=(len(rows), widest, widest))
    hamiltonian = np.where(own, hamiltonian + hamiltonian.swapaxes(1, 2), hamiltonian)
    overlap = 0.3 / (len(rows) * widest) * rng.uniform(-1, 1, hamiltonian.shape)
    overlap = np.where(own, np.eye(widest), overlap)
    lattice = np.eye(3) * 4 + 0.3 * rng.normal(size=(3, 3))
    return (
        Crystal(
            lattice,
            LatticeMatrix.from_pairs(pairs, hamiltonian, orbitals),
            LatticeMatrix.from_pairs(pairs, overlap, orbitals),
        ),
        pairs,
    )
