"""Blocks of a matrix as tensors: which parts turn like which angular momentum.

A block <phi_a m | H | phi_b m'> of shells (l_a, l_b) is a sum of tensors of degree
L = |l_a - l_b| ... l_a + l_b (Clebsch-Gordan), so a block of all shells of two elements is an
orthogonal transform of its tensors, one matrix per pair of elements:

    T[L, s, M] = sum C(l_a m, l_b m' | L M) H[a m, b m'],      s counts pairs of shells

Inversion multiplies it by (-1)^(l_a + l_b): T is a true tensor where l_a + l_b + L is even, else a
pseudo-tensor. The matrix also knows the order that a file stores orbitals in, so nothing else does.
On-site blocks are symmetric: pairs of shells are taken once, and their antisymmetric parts not at
all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from e3nn.o3 import wigner_3j
from numpy.typing import NDArray

from rgnn_hal.cost import products, record
from rgnn_hal.tasks.hamiltonian.orbitals import OrbitalBasis
from rgnn_hal.tasks.hamiltonian.pairlist import PairList

FloatArray = NDArray[np.float64]
Kind = tuple[int, int]
"""(degree, parity): parity 0 is a true tensor, 1 a pseudo-tensor."""


@dataclass(frozen=True, order=True)
class GroupKey:
    """Blocks that share readouts: elements with first <= second, on one atom or between two."""

    first: int
    second: int
    on_site: bool

    @property
    def mirrored(self) -> bool:
        """Whether a pair may be read from both ends."""
        return self.first == self.second and not self.on_site


@dataclass(frozen=True)
class BlockTensors:
    """The transform between blocks (count, n1, n2) of a group and their tensors."""

    key: GroupKey
    basis: OrbitalBasis

    @property
    def shape(self) -> tuple[int, int]:
        """(n1, n2), orbitals of both atoms."""
        return self.basis.size(self.key.first), self.basis.size(self.key.second)

    @cached_property
    def transforms(self) -> dict[Kind, FloatArray]:
        """Per kind the orthonormal vectors (n1 * n2, 2L+1, targets)."""
        found: dict[Kind, list[FloatArray]] = {}
        for a, la in enumerate(self.basis.of(self.key.first)):
            for b, lb in enumerate(self.basis.of(self.key.second)):
                for degree in range(abs(la - lb), la + lb + 1):
                    parity = (la + lb + degree) % 2
                    if self.key.on_site and (a > b or (a == b and parity)):
                        continue
                    found.setdefault((degree, parity), []).append(self._vectors(a, b, degree))
        return {kind: np.stack(found[kind], axis=2) for kind in sorted(found)}

    def tensors(self, blocks: FloatArray, kind: Kind) -> FloatArray:
        """(count, n1, n2) -> (count, 2L+1, targets)."""
        transform = self.transforms[kind]
        record(products(len(blocks) * transform.size))
        return np.tensordot(blocks.reshape(len(blocks), -1), transform, axes=1)

    def blocks(self, tensors: Mapping[Kind, FloatArray], count: int) -> FloatArray:
        """The inverse: all kinds (count, 2L+1, targets) -> (count, n1, n2)."""
        flat = np.zeros((count, self.shape[0] * self.shape[1]))
        for kind, values in tensors.items():
            transform = self.transforms[kind]
            record(products(count * transform.size))
            flat += values.reshape(count, -1) @ transform.reshape(len(transform), -1).T
        blocks = flat.reshape(count, *self.shape)
        if self.key.on_site:  # symmetric but for rounding; make it so to the last bit
            blocks = 0.5 * (blocks + blocks.transpose(0, 2, 1))
        return blocks

    def _vectors(self, a: int, b: int, degree: int) -> FloatArray:
        rows, columns = self.key.first, self.key.second
        la, lb = self.basis.of(rows)[a], self.basis.of(columns)[b]
        coupling = wigner_3j(la, lb, degree, dtype=torch.float64).numpy()
        placed = np.zeros((*self.shape, 2 * degree + 1))
        left = self.basis.to_standard(rows)[self.basis.shell_slices(rows)[a]]
        right = self.basis.to_standard(columns)[self.basis.shell_slices(columns)[b]]
        placed[np.ix_(left, right)] = math.sqrt(2 * degree + 1) * coupling
        if self.key.on_site and a != b:
            placed = (placed + placed.transpose(1, 0, 2)) / math.sqrt(2.0)
        return placed.reshape(-1, 2 * degree + 1)


@dataclass(frozen=True)
class Oriented:
    """Rows of one group: pairs of a structure, each read from its `first` element's end.

    Pairs of one element are read from both ends, so that neither is special.
    """

    pair: NDArray[np.int64]
    """Index in the pair list, (rows,)."""
    flipped: NDArray[np.bool_]
    """Whether the list stores the pair from the other end, (rows,)."""
    first: NDArray[np.int64]
    """Atoms, (rows,)."""
    second: NDArray[np.int64]

    def vectors(self, displacement: FloatArray) -> FloatArray:
        """From first to second, (rows, 3)."""
        return np.where(self.flipped, -1.0, 1.0)[:, None] * displacement[self.pair]

    def gather(self, padded: FloatArray, shape: tuple[int, int]) -> FloatArray:
        """Blocks (rows, n1, n2) of padded blocks (pairs, n, n)."""
        found = padded[self.pair]
        found = np.where(self.flipped[:, None, None], found.transpose(0, 2, 1), found)
        return found[:, : shape[0], : shape[1]]

    def scatter(self, blocks: FloatArray, padded: FloatArray, share: float) -> None:
        """Add `share` of blocks (rows, n1, n2) to padded blocks (pairs, n, n), in place."""
        rows, columns = blocks.shape[1:]
        straight = ~self.flipped
        # A pair occurs at most once in either orientation, so plain assignment adds safely.
        padded[self.pair[straight], :rows, :columns] += share * blocks[straight]
        padded[self.pair[self.flipped], :columns, :rows] += share * blocks[self.flipped].transpose(
            0, 2, 1
        )


def orient(numbers: NDArray[np.int64], pairs: PairList) -> dict[GroupKey, Oriented]:
    """Sort a structure's pairs into groups."""
    left, right, own = numbers[pairs.first], numbers[pairs.second], pairs.on_site
    low, high = np.minimum(left, right), np.maximum(left, right)
    groups = {}
    for a, b, site in sorted(set(zip(low.tolist(), high.tolist(), own.tolist(), strict=True))):
        key = GroupKey(a, b, site)
        pair = np.flatnonzero((low == a) & (high == b) & (own == site))
        flipped = left[pair] > right[pair]
        if key.mirrored:
            pair, flipped = np.tile(pair, 2), np.repeat([False, True], len(pair))
        groups[key] = Oriented(
            pair,
            flipped,
            np.where(flipped, pairs.second[pair], pairs.first[pair]),
            np.where(flipped, pairs.first[pair], pairs.second[pair]),
        )
    return groups
