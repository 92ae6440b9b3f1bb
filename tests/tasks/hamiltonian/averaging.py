"""The primitive cell behind frames of a supercell in motion: translations averaged, then time."""

import numpy as np

from rgnn_hal.tasks.hamiltonian.crystal import Crystal, LatticeMatrix
from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFile
from rgnn_hal.tasks.hamiltonian.pairlist import PairList


def averaged_graphene(file: HamiltonianFile, frames: int, repeats: int = 4) -> Crystal:
    """Two atoms per cell; a mean of positive definite overlaps is one."""
    data = [file.frame(index) for index in range(frames)]
    n = np.array([repeats, repeats, 1])
    lattice = data[0].atoms.cell.array / n[:, None]
    positions = np.mean([frame.atoms.positions for frame in data], axis=0)
    fraction = (positions - positions[0]) @ np.linalg.inv(lattice)
    within = fraction - np.round(fraction)
    site = (np.abs(within[:, :2]).max(axis=1) > 0.1).astype(int)
    cell = np.round(fraction - np.where(site[:, None], within[site.argmax()], 0)).astype(int)

    keys, blocks = [], []
    for frame in data:
        pairs, back = frame.pairs, ~frame.pairs.on_site
        both = np.stack([frame.hamiltonian, frame.overlap], axis=1)
        shift = cell[pairs.second] - cell[pairs.first] + pairs.shift * n
        forth = np.column_stack([shift, site[pairs.first], site[pairs.second]])
        turned = np.column_stack([-shift, site[pairs.second], site[pairs.first]])
        keys += [forth, turned[back]]
        blocks += [both, both[back].swapaxes(2, 3)]
    rows, place = np.unique(np.concatenate(keys), axis=0, return_inverse=True)
    total = np.zeros((len(rows), *blocks[0].shape[1:]))
    np.add.at(total, place.ravel(), np.concatenate(blocks))
    half = np.array([(*R, j) >= (0, 0, 0, i) for *R, i, j in rows.tolist()])
    mean = total[half] / (frames * repeats**2)
    pairs = PairList(rows[half, 3], rows[half, 4], rows[half, :3])
    orbitals = np.full(2, mean.shape[-1])
    hamiltonian, overlap = (
        LatticeMatrix.from_pairs(pairs, mean[:, part], orbitals) for part in (0, 1)
    )
    return Crystal(lattice, hamiltonian, overlap)
