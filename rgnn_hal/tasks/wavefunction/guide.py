"""The guide while one electron moves: what changes is worked out, what stays is looked up.

    guide = psi without its network,    log |guide| = log |psi_D| + sum_i u_i + sum_i<j u_ij
    u_i  = -sum_A Z_A v_A(r_iA) + l_i . g(r_i)
    u_ij = c_ij (1 - exp(-r_ij)) + g(r_i) M_ij g(r_j) + m_ij . g(r_ij)

l, M and m are the head's weights of the inputs that `pairs` makes of g; v and c are of `cusps`. A
move of electron i changes u_i, one row of u_ij and one row of the determinants (`spin_table`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rgnn_hal.tasks.wavefunction.ansatz import Ansatz, Parameters
from rgnn_hal.tasks.wavefunction.cusps import nuclear_cusp, pair_strength
from rgnn_hal.tasks.wavefunction.pairs import Couplings
from rgnn_hal.tasks.wavefunction.spin_table import Replacements, SpinTable


@dataclass(frozen=True)
class Move:
    """One electron of every walker somewhere else, and what that changes."""

    electron: int
    position: Tensor
    """(walkers, 3)."""
    bells: Tensor
    """g, (walkers, k)."""
    single: Tensor
    """u_i, (walkers,)."""
    row: Tensor
    """u_ij, (walkers, N)."""
    table: SpinTable
    """Of the electron's spin."""
    total: Tensor
    """psi_D, (walkers,)."""


@dataclass(frozen=True)
class Guide:
    """The guide of some parameters."""

    ansatz: Ansatz
    parameters: Parameters
    couplings: Couplings
    equal: Tensor
    """1 where two electrons have the same spin, (N, N)."""
    strength: Tensor
    """c, (N, N)."""
    linear: Tensor
    """l, (N, k)."""

    @classmethod
    def of(cls, ansatz: Ansatz, parameters: Parameters) -> Guide:
        """What `parameters` make of it."""
        molecule = ansatz.molecule
        up = torch.arange(molecule.electrons) < molecule.up
        equal = (up[:, None] == up).long()
        couplings = ansatz.inputs.couplings(parameters.head[: ansatz.digital_features])
        alone = couplings.sums[equal] * (1.0 - torch.eye(molecule.electrons).double())[..., None]
        return cls(ansatz, parameters, couplings, equal, pair_strength(molecule), alone.sum(dim=1))

    def single(self, electron: int, position: Tensor, bells: Tensor) -> Tensor:
        """u_i."""
        molecule = self.ansatz.molecule
        distance = (position[:, None] - molecule.nuclei).norm(dim=-1)
        cusp, _, _ = nuclear_cusp(distance, molecule.charges)
        return bells @ self.linear[electron] - cusp @ molecule.charges

    def row(
        self, electron: int, position: Tensor, bells: Tensor, positions: Tensor, theirs: Tensor
    ) -> Tensor:
        """u_ij with electrons at `positions` (walkers, N, 3), whose g are `theirs`."""
        products, kinds = self.couplings.products, self.equal[electron]
        turned = torch.einsum("wk,skl->wsl", bells, products).index_select(1, kinds)
        apart = (position[:, None] - positions).norm(dim=-1)
        smooth = self.ansatz.inputs.between(apart) * self.couplings.apart[kinds]
        row = (turned * theirs).sum(-1) + smooth.sum(-1)
        row -= self.strength[electron] * torch.expm1(-apart)
        row[:, electron] = 0.0
        return row


class Standing:
    """Walkers of a guide, and the tables that moves look things up in."""

    def __init__(self, guide: Guide, positions: Tensor) -> None:
        """`positions` (walkers, N, 3) are moved in place."""
        ansatz, parameters = guide.ansatz, guide.parameters
        electrons = range(ansatz.molecule.electrons)
        self.guide = guide
        self.positions = positions
        self._bells = ansatz.inputs.centred(positions)
        at = [(i, positions[:, i], self._bells[:, i]) for i in electrons]
        self._singles = torch.stack([guide.single(*here) for here in at], dim=1)
        rows = [guide.row(*here, positions, self._bells) for here in at]
        self._pairs = torch.stack(rows, dim=1)
        orbitals = ansatz.basis.values(positions) @ parameters.orbitals
        self._tables = [
            SpinTable.of(Replacements.of(occupied), orbitals[:, who])
            for who, occupied in ansatz.configurations.by_spin()
        ]
        up, down = self._tables
        self._total = (up.determinants * down.determinants) @ parameters.coefficients

    @property
    def logarithm(self) -> Tensor:
        """log |guide|, (walkers,)."""
        return self._total.abs().log() + self._singles.sum(1) + 0.5 * self._pairs.sum((1, 2))

    def consider(self, electron: int, position: Tensor) -> tuple[Move, Tensor]:
        """One electron at `position` (walkers, 3): the move, and what log |guide| gains by it."""
        guide, ansatz = self.guide, self.guide.ansatz
        spin = int(electron >= ansatz.molecule.up)
        bells = ansatz.inputs.centred(position)
        single = guide.single(electron, position, bells)
        row = guide.row(electron, position, bells, self.positions, self._bells)
        orbitals = ansatz.basis.values(position) @ guide.parameters.orbitals
        table = self._tables[spin].moved(electron - spin * ansatz.molecule.up, orbitals)
        still = self._tables[1 - spin].determinants
        total = (table.determinants * still) @ guide.parameters.coefficients
        gain = (total / self._total).abs().log() + single - self._singles[:, electron]
        gain += (row - self._pairs[:, electron]).sum(1)
        return Move(electron, position, bells, single, row, table, total), gain

    def take(self, move: Move, taken: Tensor) -> None:
        """Let the walkers `taken` (walkers,) make the move."""
        one, some = move.electron, taken[:, None]
        spin = int(one >= self.guide.ansatz.molecule.up)
        pairs = torch.where(some, move.row, self._pairs[:, one])
        for table, new in (
            (self.positions, move.position),
            (self._bells, move.bells),
        ):
            table[:, one] = torch.where(some, new, table[:, one])
        self._singles[:, one] = torch.where(taken, move.single, self._singles[:, one])
        self._pairs[:, one], self._pairs[:, :, one] = pairs, pairs
        self._tables[spin] = self._tables[spin].where(taken, move.table)
        self._total = torch.where(taken, move.total, self._total)
