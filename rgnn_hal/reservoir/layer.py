"""The random tensor-reduced ACE layer: densities, mixed by fixed random matrices.

    A[i, lm, k] = sum_c (V[i, lm, c] - centre[z_i, c] d(l = 0)) W_l[c, k]

V comes from `expansion`, by type of the neighbour, the products with W_l from hardware (or its
twin), and what is learnt stands on the invariants of A in each channel k, by type of the atom. The
number of channels does not depend on the number of elements. Random products of this kind span the
symmetric tensors that a full atomic cluster expansion would enumerate: Darby et al., PRL 131,
028001 (2023), arXiv:2210.01705.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rgnn_hal.macro.errors import ConfigurationError
from rgnn_hal.reservoir.expansion import (
    EdgeBasis,
    EdgeValues,
    edge_basis,
    expand,
    expand_motion,
)
from rgnn_hal.reservoir.invariants import Invariants, invariants
from rgnn_hal.reservoir.mixing import DigitalMixing, Mixing
from rgnn_hal.reservoir.neighbourhoods import Neighbourhoods
from rgnn_hal.structures import AtomTypes, Graph, RadialBasis


@dataclass(frozen=True)
class Reservoir:
    """A fixed layer for atoms of `elements` (atomic numbers); `mixings[l]` mixes degree l."""

    elements: tuple[int, ...]
    radial: RadialBasis
    mixings: tuple[Mixing, ...]
    centre: NDArray[np.float64] | None = None
    """Mean density per centre element, (elements, inputs), that l = 0 leaves out: `centring`."""
    atom_types: AtomTypes | None = None
    """Kinds of neighbours, and of centres, each with a readout; one per element by default."""

    def __post_init__(self) -> None:
        shapes = {mixing.weights.shape for mixing in self.mixings}
        if len(shapes) != 1 or next(iter(shapes))[0] != self.inputs:
            raise ConfigurationError(
                f"mixings have shapes {sorted(shapes)}; every degree needs the same "
                f"({self.inputs}, channels) for {len(self.types)} types of atoms x "
                f"{self.radial.size} radial functions"
            )
        expected = (len(self.elements), self.inputs)
        if self.centre is not None and self.centre.shape != expected:
            raise ConfigurationError(
                f"the mean density has shape {self.centre.shape}, not {expected}"
            )

    @property
    def lmax(self) -> int:
        """Highest degree."""
        return len(self.mixings) - 1

    @property
    def inputs(self) -> int:
        """Length of the vectors that go to a mixing."""
        return len(self.types) * self.radial.size

    @property
    def channels(self) -> int:
        """Length of the vectors that come back."""
        return int(self.mixings[0].weights.shape[1])

    @property
    def invariants(self) -> Invariants:
        """The polynomials evaluated in every channel."""
        return invariants(self.lmax)

    @cached_property
    def types(self) -> AtomTypes:
        """What tells atoms apart."""
        return self.atom_types or AtomTypes.of_elements(self.elements)

    @property
    def columns(self) -> int:
        """Columns of the design matrix: every invariant per type of centre, and one constant."""
        return len(self.types) * (self.invariants.size * self.channels + 1)

    @property
    def channel_columns(self) -> NDArray[np.int64]:
        """Columns of every (type of centre, channel), whose noise is correlated: (groups, size)."""
        types, size = len(self.types), self.invariants.size
        columns = np.arange(types * size * self.channels)
        by_channel = columns.reshape(types, size, self.channels).transpose(0, 2, 1)
        return by_channel.reshape(-1, size)

    def some(self, channels: slice) -> Reservoir:
        """The digital twin of some of the channels."""
        mixings = (DigitalMixing(mixing.weights[:, channels]) for mixing in self.mixings)
        return replace(self, mixings=tuple(mixings))

    def basis(self, graph: Graph) -> EdgeBasis:
        """The basis on the edges of a graph built for `elements` and `radial.cutoff`."""
        return edge_basis(graph, self.radial, self.lmax)

    def neighbourhoods(self, graph: Graph, dtype: torch.dtype = torch.float64) -> Neighbourhoods:
        """The same where no derivative of a feature is asked for, but that of one energy."""
        return Neighbourhoods.of(graph, self.radial, self.lmax, self.types.weights(graph), dtype)

    def vectors(self, graph: Graph, basis: EdgeValues) -> tuple[np.ndarray, ...]:
        """What each mixing multiplies, (atoms * (2l+1), inputs) for every l, by atom, then m."""
        return self.rows(graph, expand(graph, basis, self.types.weights(graph)))

    def rows(self, graph: Graph, density: Tensor) -> tuple[np.ndarray, ...]:
        """The same from densities (atoms, (lmax+1)^2, inputs), which it may change."""
        density = density.double()
        if self.centre is not None:
            density[:, 0] -= torch.from_numpy(self.centre)[graph.species]
        return self._by_degree(density)

    def moved(self, graph: Graph, basis: EdgeBasis, velocity: Tensor) -> tuple[np.ndarray, ...]:
        """What `vectors` change by as atoms move by `velocity` (atoms, 3)."""
        types = self.types.weights(graph)
        return self._by_degree(expand_motion(graph, basis, velocity, types))

    def _by_degree(self, density: Tensor) -> tuple[np.ndarray, ...]:
        parts = torch.split(density, [2 * degree + 1 for degree in range(self.lmax + 1)], dim=1)
        return tuple(part.reshape(-1, self.inputs).numpy() for part in parts)

    def mix(self, vectors: Sequence[np.ndarray]) -> Tensor:
        """Send `vectors` through the mixings: A, ((lmax+1)^2, atoms, channels)."""
        products = [mixing.product(x) for mixing, x in zip(self.mixings, vectors, strict=True)]
        return self.assemble(products)

    def assemble(self, products: Sequence[np.ndarray]) -> Tensor:
        """A, ((lmax+1)^2, atoms, channels), from the products of every degree's `vectors`."""
        parts = [
            torch.from_numpy(np.asarray(product, dtype=np.float64))
            .reshape(-1, 2 * degree + 1, self.channels)
            .transpose(0, 1)
            for degree, product in enumerate(products)
        ]
        return torch.cat(parts)

    def twin_weights(self) -> tuple[Tensor, ...]:
        """W_l as known digitally, (inputs, channels) per degree."""
        return tuple(
            torch.from_numpy(np.array(mixing.weights, dtype=np.float64)) for mixing in self.mixings
        )
