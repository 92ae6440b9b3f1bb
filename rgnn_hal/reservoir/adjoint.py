"""The design matrix X of `design` and its transpose times a vector, without forming any row.

    X theta      energies and forces that a readout predicts (`prediction`)
    X^T r        sum_i c_i B_i - dB_i/dt at r_j + t f_j,      r = (c, f)

for numbers c per structure and f per atom: forces are slopes of invariants, so a sum of force rows
is the change of the invariants as all atoms move along f. Either costs a prediction, where a row
for every component of the forces costs hundreds of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from rgnn_hal.reservoir.batch import Batch, Outputs
from rgnn_hal.reservoir.channel_components import Multiplied
from rgnn_hal.reservoir.cubic_forms import (
    ComponentProducts,
    CubicForms,
    Room,
    by_feature,
    channel_blocks,
    lengths,
)
from rgnn_hal.reservoir.invariants import Invariants, degree_pairs
from rgnn_hal.reservoir.layer import Reservoir
from rgnn_hal.reservoir.prediction import Readout, predict

_ATOMS = 128
"""At a time."""


def apply_rows(reservoir: Reservoir, batch: Batch, columns: Tensor) -> Outputs:
    """X theta for theta (columns,); in single precision, as predictions are."""
    readout = Readout.of(reservoir, columns, torch.float32)
    result = predict(reservoir, batch.graph, readout)
    energies = torch.zeros(batch.structures, dtype=torch.float64)
    energies.index_add_(0, batch.structure, result.atom_energies)
    return Outputs(energies, result.forces)


def apply_transpose(reservoir: Reservoir, batch: Batch, weights: Outputs) -> Tensor:
    """X^T r, (columns,); sums of products in single precision, as predictions are."""
    graph, types = batch.graph, reservoir.types.weights(batch.graph)
    basis = reservoir.basis(graph)
    twin = reservoir.twin_weights()
    components = Multiplied.of_rows(reservoir.vectors(graph, basis), twin)
    motion = Multiplied.of_rows(reservoir.moved(graph, basis, weights.forces), twin)
    share = types.values * weights.energies[batch.structure, None]
    share -= types.motion(graph, weights.forces)
    shape = (len(reservoir.types), reservoir.invariants.size, reservoir.channels)
    total = torch.empty(shape, dtype=torch.float64)
    for kind in range(len(total)):
        pull = _Pull.zeros(reservoir.invariants, reservoir.channels)
        for some in _touched(types.values[:, kind], share[:, kind]).split(_ATOMS):
            a, moved = components.of(some, torch.float32), motion.of(some, torch.float32)
            moved[:, -1] = 0.0  # the constant of a = (A, 1)
            moved *= types.values[some, kind].float()
            pull.add(a, moved, share[some, kind].float())
        total[kind] = pull.features().T
    return torch.cat([total.flatten(), share.sum(dim=0)])


def _touched(*numbers: Tensor) -> Tensor:
    """Places where any of them is not zero."""
    return torch.nonzero(torch.stack(numbers).any(dim=0))[:, 0]


@dataclass(frozen=True)
class _Pull:
    """sum_i c_i B_i - w_i dB_i/dt over atoms i, the transpose of `forms`.

    With b = (c/3) a - w da/dt the cubic features are sum_i b . T(a, a); with q = (c/2) p - w dp/dt
    those of fourth order are sum_i q_l p_l' + q_l' p_l. For atoms of weight w in a type c holds
    -dw/dt too.
    """

    invariants: Invariants
    forms: CubicForms
    """sum_i b (a, a)."""
    squares: Tensor
    """sum_i q_l p_l', (channels, lmax + 1, lmax + 1)."""
    room: Room = field(default_factory=Room)

    @classmethod
    def zeros(cls, invariants: Invariants, channels: int) -> _Pull:
        """Of no atoms yet."""
        degrees = invariants.lmax + 1
        return cls(
            invariants,
            CubicForms.zeros(by_feature(invariants), channels, torch.float32),
            torch.zeros((channels, degrees, degrees)),
        )

    def add(self, a: Tensor, moved: Tensor, share: Tensor) -> None:
        """Some atoms with a and w da/dt, (channels, components + 1, atoms), and c (atoms,)."""
        sums = lengths(self.invariants.lmax)
        for some in channel_blocks(len(a), len(share)):
            part, along = a[some], moved[some]
            pull = torch.addcmul(-along, part, share, value=1 / 3)
            self.forms.some(some).add_outer(pull, ComponentProducts.of(part, self.room))
            power, change = sums @ (part * part), sums @ (part * along)
            pull = torch.addcmul(-2.0 * change, power, share, value=1 / 2)
            self.squares[some].baddbmm_(pull, power.transpose(1, 2))

    def features(self) -> Tensor:
        """(channels, features), float64."""
        cubic = self.forms.of_features(by_feature(self.invariants))
        first, second = degree_pairs(self.invariants.lmax)
        quartic = self.squares + self.squares.transpose(1, 2)
        return torch.cat([cubic, quartic[:, first, second].double()], dim=1)
