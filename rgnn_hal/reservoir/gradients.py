"""Three ways backwards through the fixed matrices: from dE/dA to dE/d(displacement) of every edge.

    twin         dE/dV_l = dE/dA_l W_l^T with W_l as read back: no products, no noise, exact for
                 those weights, so that a run conserves energy; wrong once the chip has changed
    transposed   the same on the macro, columns driven and rows sensed: (lmax+1)^2 products per
                 atom, noisy, of the weights as they are now
    tangents     forwards: with R and R' the radial functions of an edge in the slots of its
                 neighbour's types, dA_lm/dd = (R W_l) grad Y_lm + (R' W_l) Y_lm u, both on the
                 macro: 2 (lmax+1) products per edge, noisy, of the weights as they are now

Each is a value that a prediction is given. A stale twin shows when a few products are compared with
its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from rgnn_hal.analog import AnalogMatrix, twin_deviation
from rgnn_hal.macro import Capability, ConfigurationError, MacroSpec, NotSupportedError
from rgnn_hal.reservoir.expansion import EdgeBasis, in_slots
from rgnn_hal.reservoir.forms import Slopes
from rgnn_hal.reservoir.layer import Reservoir
from rgnn_hal.reservoir.mixing import ReversibleMixing
from rgnn_hal.reservoir.neighbourhoods import Neighbourhoods

_STALE = 0.02
"""What the weights may have moved by, in their sd; a fresh twin of the 40 nm chip is at 0.003."""


class Gradients(Protocol):
    """A way backwards."""

    @property
    def name(self) -> str:
        """As users call it."""
        ...

    def check(self, spec: MacroSpec) -> None:
        """Whether a macro can, before anything happens to it.

        Raises:
            NotSupportedError: it cannot.
        """
        ...

    def prepared(self, matrices: Sequence[AnalogMatrix]) -> tuple[AnalogMatrix, ...]:
        """Matrices that have been calibrated for it."""
        ...

    def verify(self, reservoir: Reservoir) -> None:
        """Whether what it relies on still holds, by a few products.

        Raises:
            ConfigurationError: the digital twin is stale.
        """
        ...

    def rises(
        self, reservoir: Reservoir, around: Neighbourhoods, slopes: Iterable[Slopes]
    ) -> Tensor:
        """dE/d(displacement), (edges, 3), from dE/dA."""
        ...


@dataclass(frozen=True)
class _Twin:
    name: str = "twin"

    def check(self, spec: MacroSpec) -> None:
        """Every macro can."""

    def prepared(self, matrices: Sequence[AnalogMatrix]) -> tuple[AnalogMatrix, ...]:
        return tuple(matrices)

    def verify(self, reservoir: Reservoir) -> None:
        for degree, mixing in enumerate(reservoir.mixings):
            if not isinstance(mixing, AnalogMatrix):
                continue
            moved = twin_deviation(mixing)
            if moved > _STALE:
                raise ConfigurationError(
                    f"the digital twin is stale: the chip's weights of degree {degree} have moved "
                    f"by {moved:.3f} of their standard deviation since they were read back (limit "
                    f"{_STALE}), so gradients through the twin are not those of the chip. Use "
                    "gradients 'transpose' or 'tangents', which need no twin, or train again, "
                    "which reads it back"
                )

    def rises(
        self, reservoir: Reservoir, around: Neighbourhoods, slopes: Iterable[Slopes]
    ) -> Tensor:
        back = _empty(around, reservoir.inputs)
        twin = reservoir.twin_weights()
        for some in slopes:
            for degree, weights in enumerate(twin):
                lm = slice(degree**2, (degree + 1) ** 2)
                slope = some.degree(degree)
                found = slope.flatten(1).T @ weights.T.to(slope.dtype)
                by_atom = found.unflatten(0, slope.shape[1:]).transpose(0, 1)
                back[some.atoms, lm] = by_atom.to(back.dtype)
        return around.rises(back)


@dataclass(frozen=True)
class _Transposed:
    name: str = "transpose"

    def check(self, spec: MacroSpec) -> None:
        if Capability.TRANSPOSE not in spec.capabilities:
            raise NotSupportedError(
                f"macro {spec.identity!r} cannot drive columns and sense rows (capability "
                f"{Capability.TRANSPOSE.value}), so gradients cannot go back through it; use "
                "gradients 'twin' or 'tangents'"
            )

    def prepared(self, matrices: Sequence[AnalogMatrix]) -> tuple[AnalogMatrix, ...]:
        return tuple(matrix.with_transpose() for matrix in matrices)

    def verify(self, reservoir: Reservoir) -> None:
        """It relies on nothing but the hardware."""

    def rises(
        self, reservoir: Reservoir, around: Neighbourhoods, slopes: Iterable[Slopes]
    ) -> Tensor:
        rows = _by_atom(around, slopes, reservoir)
        back = _empty(around, reservoir.inputs)
        for degree, mixing in enumerate(reservoir.mixings):
            lm = slice(degree**2, (degree + 1) ** 2)
            if not isinstance(mixing, ReversibleMixing):
                raise NotSupportedError(
                    f"a {type(mixing).__name__} does not multiply backwards; use gradients "
                    "'twin' or 'tangents'"
                )
            # By atom and then by component: the order of the products forwards.
            found = mixing.transposed(rows[:, lm].flatten(0, 1).numpy())
            back[:, lm] = torch.from_numpy(found).unflatten(0, (-1, 2 * degree + 1))
        return around.rises(back)


@dataclass(frozen=True)
class _Tangents:
    name: str = "tangents"

    def check(self, spec: MacroSpec) -> None:
        """Every macro can."""

    def prepared(self, matrices: Sequence[AnalogMatrix]) -> tuple[AnalogMatrix, ...]:
        return tuple(matrices)

    def verify(self, reservoir: Reservoir) -> None:
        """It relies on nothing but the hardware."""

    def rises(
        self, reservoir: Reservoir, around: Neighbourhoods, slopes: Iterable[Slopes]
    ) -> Tensor:
        graph, rows = around.graph, _by_atom(around, slopes, reservoir)
        basis = reservoir.basis(graph)
        shares = around.types.values[graph.neighbour]
        radial, steep = (
            in_slots(part, shares).numpy() for part in (basis.radial, basis.radial_slope)
        )
        rises = basis.direction.new_zeros((len(radial), 3))
        for degree, mixing in enumerate(reservoir.mixings):
            lm = slice(degree**2, (degree + 1) ** 2)
            pulls = rows[graph.centre, lm]
            mixed, mixed_steep = (
                torch.from_numpy(np.asarray(mixing.product(x), dtype=np.float64))[:, :, None]
                for x in (radial, steep)
            )
            turning, along = (pulls @ mixed)[..., 0], (pulls @ mixed_steep)[..., 0]
            rises += torch.einsum("em,ema->ea", turning, basis.angular_gradient[:, lm])
            rises += (along * basis.angular[:, lm]).sum(dim=1, keepdim=True) * basis.direction
        if len(around.types.edges):
            rises += around.types.rises(graph, _pulls(reservoir, around, basis, rows))
        return rises


def _pulls(reservoir: Reservoir, around: Neighbourhoods, basis: EdgeBasis, rows: Tensor) -> Tensor:
    """dE/dw of atoms whose types change, (atoms, types), by products of R in every slot."""
    graph, count = around.graph, len(reservoir.types)
    edges = around.types.touching(graph)
    every = torch.eye(count, dtype=torch.float64).repeat(len(edges), 1)
    radial = in_slots(basis.radial[edges].repeat_interleave(count, dim=0), every).numpy()
    pulls = rows.new_zeros((len(edges), count))
    for degree, mixing in enumerate(reservoir.mixings):
        lm = slice(degree**2, (degree + 1) ** 2)
        product = np.asarray(mixing.product(radial), dtype=np.float64)
        mixed = torch.from_numpy(product).unflatten(0, (-1, count))
        pull = (rows[graph.centre[edges], lm] * basis.angular[edges, lm, None]).sum(dim=1)
        pulls += (mixed @ pull[:, :, None])[..., 0]
    return torch.zeros_like(around.types.values).index_add_(0, graph.neighbour[edges], pulls)


def _by_atom(around: Neighbourhoods, slopes: Iterable[Slopes], reservoir: Reservoir) -> Tensor:
    """dE/dA, (atoms, (lmax+1)^2, channels)."""
    rows = _empty(around, reservoir.channels)
    for some in slopes:
        for degree in range(reservoir.lmax + 1):
            lm = slice(degree**2, (degree + 1) ** 2)
            by_atom = some.degree(degree).permute(2, 1, 0)
            rows[some.atoms, lm] = by_atom.to(rows.dtype)
    return rows


def _empty(around: Neighbourhoods, width: int) -> Tensor:
    shape = (around.graph.atoms, (around.lmax + 1) ** 2, width)
    return around.graph.displacement.new_empty(shape)


TWIN: Gradients = _Twin()
TRANSPOSED: Gradients = _Transposed()
TANGENTS: Gradients = _Tangents()

GRADIENTS: Mapping[str, Gradients] = {way.name: way for way in (TWIN, TRANSPOSED, TANGENTS)}
"""Every way by its name."""
