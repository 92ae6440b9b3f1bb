"""Growing systems, built here: water clusters, alkanes and flakes of graphene. Ångström."""

import ase
import numpy as np

_OH, _HOH = 0.9572, np.deg2rad(104.52)
_APART = 3.1
_CC, _CH, _TETRAHEDRAL = 1.53, 1.09, np.arccos(-1 / 3)
_AROMATIC, _AROMATIC_CH = 1.42, 1.09


def water_cluster(size: int, seed: int = 0) -> ase.Atoms:
    """`size` molecules, turned at random, on the sites of a cubic lattice nearest to its origin."""
    reach = range(-size, size + 1) if size < 4 else range(-3, 4)
    sites = np.array([(i, j, k) for i in reach for j in reach for k in reach], float)
    order = np.lexsort((*sites.T, np.round((sites**2).sum(axis=1), 6)))
    half = _HOH / 2
    molecule = _OH * np.array(
        [[0, 0, 0], [np.sin(half), 0, np.cos(half)], [-np.sin(half), 0, np.cos(half)]]
    )
    draw = np.random.default_rng(seed)
    turns = np.linalg.qr(draw.normal(size=(size, 3, 3)))[0]
    positions = _APART * sites[order[:size], None] + np.einsum("nab,mb->nma", turns, molecule)
    return ase.Atoms("OH2" * size, positions=positions.reshape(-1, 3))


def hydrogen_chain(electrons: int) -> str:
    """As many protons in a row, 1.8 bohr apart, in bohr: what benchmarks of correlation use."""
    return "; ".join(f"H 0 0 {1.8 * place:.1f}" for place in range(electrons))


def alkane(size: int) -> ase.Atoms:
    """C_n H_2n+2 in its straight conformation."""
    half = _TETRAHEDRAL / 2
    step, height = _CC * np.sin(half), _CC * np.cos(half)
    carbons = np.array([(i * step, (i % 2) * height, 0.0) for i in range(size)])
    out, up = _CH * np.sin(half), _CH * np.cos(half)
    hydrogens = []
    for i, carbon in enumerate(carbons):
        side = 1 if i % 2 else -1
        hydrogens += [carbon + np.array([0, side * up, sign * out]) for sign in (1, -1)]
    ends = [(0, -1.0), (size - 1, 1.0)]
    for i, along in ends:
        side = -1 if i % 2 else 1
        hydrogens.append(carbons[i] + np.array([along * out, side * up, 0]))
    positions = np.concatenate([carbons, hydrogens])
    return ase.Atoms(f"C{size}H{2 * size + 2}", positions=positions)


def graphene_flake(rows: int, columns: int) -> ase.Atoms:
    """A parallelogram of hexagons with hydrogen at its edge: benzene is 1 x 1, pyrene 2 x 2."""
    a, b = np.sqrt(3) * _AROMATIC * np.array([[1, 0], [0.5, np.sqrt(0.75)]])
    angles = np.pi / 6 + np.pi / 3 * np.arange(6)
    corners = _AROMATIC * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    places = [
        i * a + j * b + corner for i in range(rows) for j in range(columns) for corner in corners
    ]
    flat = np.unique(np.round(places, 6), axis=0)
    # Rounding may leave twins of a corner that lies between two hexagons.
    distance = np.linalg.norm(flat[:, None] - flat, axis=2)
    carbons = flat[~(np.tril(distance < 0.1, -1).any(axis=1))]
    separation = carbons[:, None] - carbons
    bonded = np.abs(np.linalg.norm(separation, axis=2) - _AROMATIC) < 0.1
    edge = bonded.sum(axis=1) == 2
    outward = np.einsum("ij,ijx->ix", bonded, separation)[edge]
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    hydrogens = carbons[edge] + _AROMATIC_CH * outward
    positions = np.concatenate([carbons, hydrogens])
    numbers = [6] * len(carbons) + [1] * len(hydrogens)
    return ase.Atoms(numbers, positions=np.column_stack([positions, np.zeros(len(positions))]))
