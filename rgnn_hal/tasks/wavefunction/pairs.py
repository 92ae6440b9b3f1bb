"""What the frozen network sees of two electrons: smooth, symmetric functions of where they are.

    g_a(r) = (1 + a r) exp(-a r)        g' = -a^2 r exp(-a r) vanishes at coalescence

    inputs of pair (i, j):  g_a(r_iA) + g_a(r_jA),   g_a(r_iA) g_a(r_jA),
                            g_a(r_iA) g_a(r_jB) + g_a(r_iB) g_a(r_jA),   g_b(r_ij)

Because every input is flat where particles meet, whatever a network makes of them leaves the exact
cusps alone; because all of them fade with distance, separated fragments do not see each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import torch
from torch import Tensor

from rgnn_hal.tasks.wavefunction.jet import Jet, concatenate
from rgnn_hal.tasks.wavefunction.molecule import Molecule

_APART = (0.4, 0.8, 1.6, 3.2)
"""Exponents b of the distance between the electrons, 1/bohr."""


@dataclass(frozen=True)
class Couplings:
    """Weights of the inputs, as what two electrons exchange: of opposite spins, then of equal."""

    sums: Tensor
    """Of g(r_i) and g(r_j), (2, k)."""
    products: Tensor
    """Of g(r_i) times g(r_j), (2, k, k), symmetric."""
    apart: Tensor
    """Of g(r_ij), (2, b)."""


@dataclass(frozen=True)
class PairInputs:
    """The inputs of a molecule's pairs."""

    molecule: Molecule

    @cached_property
    def size(self) -> int:
        """Inputs of a pair."""
        return 2 * len(self._centred[0]) + len(self._across[0]) + len(_APART)

    @cached_property
    def pairs(self) -> Tensor:
        """First and second electron of every pair, (2, pairs)."""
        return torch.triu_indices(self.molecule.electrons, self.molecule.electrons, 1)

    @cached_property
    def opposite(self) -> Tensor:
        """Whether a pair's spins differ, (pairs,)."""
        up = self.pairs < self.molecule.up
        return torch.ne(up[0], up[1])

    def jets(self, positions: Tensor) -> Jet:
        """Inputs of all pairs at (walkers, N, 3): a batch of walkers * pairs over 6 coordinates."""
        first, second = self.pairs
        exponents, nuclei = self._centred
        arrow = positions[:, :, None] - nuclei
        one = _flat(arrow, exponents)
        i, j = _Half.of(one, first), _Half.of(one, second)
        apart = positions[:, first] - positions[:, second]
        b = torch.tensor(_APART, dtype=positions.dtype)
        between = _flat(apart[:, :, None].expand(-1, -1, len(b), -1), b)
        ends = torch.cat([between.gradient, -between.gradient], dim=2)
        jets = [
            Jet(i.value + j.value, torch.cat([i.gradient, j.gradient], 2), i.lap + j.lap),
            _product(i, j),
            Jet(between.value, ends, 2.0 * between.lap),
        ]
        a, c = self._across
        if len(a):
            jets.append(_product(i.at(a), j.at(c)) + _product(i.at(c), j.at(a)))
        whole = concatenate(jets)
        return Jet(
            whole.value.flatten(0, 1), whole.gradient.flatten(0, 1), whole.laplacian.flatten(0, 1)
        )

    @cached_property
    def kinds(self) -> int:
        """Kinds of pairs that occur, of opposite and of equal spins."""
        return len(set(self.opposite.tolist()))

    def sum_by_spin(self, jet: Jet) -> Jet:
        """Functions of pairs to functions of walkers, over 3 N coordinates: kinds side by side."""
        first, second = self.pairs
        electrons, pairs, width = self.molecule.electrons, len(first), jet.value.shape[1]
        value = jet.value.reshape(-1, pairs, width)
        laplacian = jet.laplacian.reshape(-1, pairs, width)
        gradient = jet.gradient.reshape(-1, pairs, 2, 3, width)
        sums = []
        for chosen in self._chosen():
            rise = value.new_zeros((len(value), electrons, 3, width))
            rise.index_add_(1, first[chosen], gradient[:, chosen, 0])
            rise.index_add_(1, second[chosen], gradient[:, chosen, 1])
            sums.append(
                Jet(value[:, chosen].sum(1), rise.flatten(1, 2), laplacian[:, chosen].sum(1))
            )
        return concatenate(sums)

    def couplings(self, head: Tensor) -> Couplings:
        """Of a head's weights of `sum_by_spin` inputs, (kinds * size,)."""
        kinds = [kind for kind, of_equal in enumerate((False, True)) if self._has(of_equal)]
        table = head.new_zeros((2, self.size))
        table[kinds] = head.reshape(self.kinds, self.size)
        k, (a, c) = len(self._centred[0]), self._across
        sums, squares, apart, across = table.split([k, k, len(_APART), len(a)], dim=1)
        products = torch.diag_embed(squares)
        products[:, a, c] = across
        products[:, c, a] = across
        return Couplings(sums, products, apart)

    def centred(self, points: Tensor) -> Tensor:
        """g_a(r_A) at points (..., 3): (..., k)."""
        distance = (points[..., None, :] - self.molecule.nuclei).norm(dim=-1)
        return _bell(distance @ self._scales)

    def between(self, apart: Tensor) -> Tensor:
        """g_b at distances of electrons (...): (..., b)."""
        return _bell(apart[..., None] * torch.tensor(_APART, dtype=apart.dtype))

    def _has(self, of_equal: bool) -> bool:
        return of_equal in (~self.opposite).tolist()

    @cached_property
    def _across(self) -> tuple[list[int], list[int]]:
        """Columns of `_centred` to be paired: the same shell of two nuclei."""
        starts = [0]
        for charge in self.molecule.numbers:
            starts.append(starts[-1] + len(_own(charge)))
        pairs = [
            (p, q)
            for first, second in combinations(range(len(self.molecule.numbers)), 2)
            for p, q in zip(
                range(*starts[first : first + 2]), range(*starts[second : second + 2]), strict=False
            )
        ]
        return [p for p, _ in pairs], [q for _, q in pairs]

    def _chosen(self) -> list[Tensor]:
        return [chosen for chosen in (self.opposite, ~self.opposite) if chosen.any()]

    @cached_property
    def _scales(self) -> Tensor:
        """From distances of the nuclei to a r_A, (A, k)."""
        exponents, at = self._centred
        return torch.eq(at, self.molecule.nuclei[:, None]).all(dim=-1) * exponents

    @cached_property
    def _centred(self) -> tuple[Tensor, Tensor]:
        """Exponents a (k,) and the nuclei they belong to (k, 3)."""
        exponents: list[float] = []
        nuclei: list[tuple[float, float, float]] = []
        for charge, position in zip(self.molecule.numbers, self.molecule.positions, strict=True):
            own = _own(charge)
            exponents += own
            nuclei += [position] * len(own)
        return torch.tensor(exponents).double(), torch.tensor(nuclei, dtype=torch.float64)


@dataclass(frozen=True)
class _Half:
    """g at points: `value` and `lap` (walkers, points, k), `gradient` (walkers, points, 3, k)."""

    value: Tensor
    gradient: Tensor
    lap: Tensor

    @classmethod
    def of(cls, one: _Half, electrons: Tensor) -> _Half:
        return cls(one.value[:, electrons], one.gradient[:, electrons], one.lap[:, electrons])

    def at(self, columns: list[int]) -> _Half:
        return _Half(self.value[..., columns], self.gradient[..., columns], self.lap[..., columns])


def _own(charge: int) -> tuple[float, ...]:
    """Exponents a of a nucleus, 1/bohr; the valence's come first."""
    if charge <= 2:
        return (0.5 * charge, 1.0 * charge, 2.0 * charge)
    return (0.5, 1.0, 2.0, 1.0 * charge, 2.0 * charge)


def _product(i: _Half, j: _Half) -> Jet:
    gradient = torch.cat([i.gradient * j.value[:, :, None], j.gradient * i.value[:, :, None]], 2)
    return Jet(i.value * j.value, gradient, i.lap * j.value + j.lap * i.value)


def _bell(scaled: Tensor) -> Tensor:
    return (1.0 + scaled) * torch.exp(-scaled)


def _flat(arrow: Tensor, exponents: Tensor) -> _Half:
    """g of |arrow|, arrow (walkers, points, k, 3)."""
    scaled = exponents * arrow.norm(dim=-1)
    decay = torch.exp(-scaled)
    bend = -(exponents**2) * decay
    return _Half((1.0 + scaled) * decay, (bend[..., None] * arrow).mT, bend * (3.0 - scaled))
