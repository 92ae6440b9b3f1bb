"""A trained Hamiltonian model: recipe, frozen weights, readouts; and what it predicts.

The model itself is hardware-free. Joined to mixings, on a macro or digital, it becomes a
`Predictor`: one structure in, H and S in the order of orbitals of the training data out. H_ij and
H_ji come from one block, and blocks between equal elements are the mean of both readings, so
hermiticity and the exchange of atoms are exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ase
import numpy as np
import torch
from numpy.typing import NDArray
from vesin import NeighborList

from rgnn_hal.cost import products, record
from rgnn_hal.macro import DataError, Macro
from rgnn_hal.progress import Progress, silent
from rgnn_hal.reservoir import Mixing
from rgnn_hal.reservoir.frozen import FrozenWeights
from rgnn_hal.reservoir.pairs import PairReservoir
from rgnn_hal.structures import Graph, build_graph
from rgnn_hal.tasks.hamiltonian.blocks import BlockTensors, GroupKey, Kind, Oriented, orient
from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFrame, PairList
from rgnn_hal.tasks.hamiltonian.features import Design, Geometry, Measured
from rgnn_hal.tasks.hamiltonian.orbitals import OrbitalBasis
from rgnn_hal.tasks.hamiltonian.overlap import OverlapModel
from rgnn_hal.tasks.hamiltonian.recipe import HamiltonianRecipe

_VALUES_PER_BLOCK = 1_000_000  # 8 MB of features at a time
Readouts = Mapping[tuple[GroupKey, Kind], NDArray[np.float64]]


@dataclass(frozen=True)
class HamiltonianModel:
    """What training leaves."""

    recipe: HamiltonianRecipe
    basis: OrbitalBasis
    periodic: bool
    reach: float
    """Longest pair of the training data, angstrom: crystals have no blocks beyond."""
    centre: NDArray[np.float64]
    """(elements, inputs): see `rgnn_hal.reservoir.DensityStatistics`."""
    weights: FrozenWeights
    readouts: Readouts
    """(columns, targets) per group and kind: see `Design` and `BlockTensors`."""
    overlap: OverlapModel
    macro_uri: str
    """Where the weights were formed."""
    record: Mapping[str, Any]
    """How it was trained: data, versions, figures, `Counts`. Predictions do not read it."""

    @property
    def elements(self) -> tuple[int, ...]:
        """Atomic numbers, ascending."""
        return tuple(sorted(self.basis.shells))

    def on_macro(
        self, macro: Macro, *, reads: int | None = None, progress: Progress = silent
    ) -> Predictor:
        """Predict through the hardware; `reads` as trained by default.

        Raises:
            ConfigurationError: the macro does not hold the model's weights.
        """
        mixings = self.weights.thaw(macro, reads=reads or self.recipe.reads, progress=progress)
        return self.with_mixings(mixings)

    def on_twin(self) -> Predictor:
        """Predict with the weights as read back at training: no hardware, no noise."""
        return self.with_mixings(self.weights.digital())

    def with_mixings(self, mixings: Sequence[Mixing]) -> Predictor:
        """Predict through any mixings of the reservoir's shapes."""
        return Predictor(self, reservoir_of(self, mixings))


def reservoir_of(model: HamiltonianModel, mixings: Sequence[Mixing]) -> PairReservoir:
    """The model's layers over mixings."""
    return PairReservoir.of_mixings(
        model.elements,
        model.recipe.density_basis,
        model.recipe.pair_basis(model.reach),
        mixings,
        model.centre,
    )


@dataclass(frozen=True)
class Predictor:
    """A model joined to the products it runs on."""

    model: HamiltonianModel
    reservoir: PairReservoir

    def predict(
        self, atoms: ase.Atoms, *, pairs: PairList | None = None, where: str = "the structure"
    ) -> HamiltonianFrame:
        """H (hartree) and S of a structure, on `pairs` or on all that the model has blocks for.

        Raises:
            DataError: elements, pairs of elements or distances that the model has not learnt,
                isolated atoms; `where` names them.
        """
        model = self.model
        graph = build_graph(atoms, model.elements, model.recipe.cutoff, where=where)
        if pairs is None:
            pairs = self._pairs(atoms)
        displacement = pairs.displacement(atoms)
        check_reach(displacement, model.reach, where)
        measured = measure(self.reservoir, model.recipe, graph, pairs, displacement)
        size = model.basis.largest
        hamiltonian, overlap = np.zeros((2, len(pairs), size, size))
        for key, rows in orient(atoms.numbers, pairs).items():
            tensors = self._tensors(key, where)
            share = 0.5 if key.mirrored else 1.0
            vectors = rows.vectors(displacement)
            blocks = self._blocks(tensors, rows, vectors, measured)
            rows.scatter(blocks, hamiltonian, share)
            rows.scatter(model.overlap.blocks(tensors, vectors), overlap, share)
        return HamiltonianFrame(atoms, pairs, hamiltonian, overlap, where)

    def _blocks(
        self,
        tensors: BlockTensors,
        rows: Oriented,
        vectors: NDArray[np.float64],
        measured: Measured,
    ) -> NDArray[np.float64]:
        view = GroupRows.of(tensors, rows, vectors, self.reservoir)
        found = {}
        for kind in tensors.transforms:
            readout = self.model.readouts.get((tensors.key, kind))
            if readout is None:
                continue
            design = Design.of(tensors.key, self.model.recipe)
            gathered = view.gather(design, kind, measured)
            parts = [
                view.features(design, kind, chunk, measured, gathered) @ readout
                for chunk in view.chunks(kind, len(readout))
            ]
            found[kind] = np.concatenate(parts)
            record(products(found[kind].size * len(readout)))
        return tensors.blocks(found, len(vectors))

    def _tensors(self, key: GroupKey, where: str) -> BlockTensors:
        if key not in self._group_tensors:
            raise DataError(
                f"{where} has blocks between elements {key.first} and {key.second}, which no "
                "training structure had; train on data that contain such pairs"
            )
        return self._group_tensors[key]

    @cached_property
    def _group_tensors(self) -> dict[GroupKey, BlockTensors]:
        keys = {key for key, _ in self.model.readouts}
        return {key: BlockTensors(key, self.model.basis) for key in keys}

    def _pairs(self, atoms: ase.Atoms) -> PairList:
        if self.model.periodic:
            return pairs_within(atoms, self.model.reach)
        first, second = np.triu_indices(len(atoms))
        return PairList(first, second, np.zeros((len(first), 3), dtype=np.int64))


@dataclass(frozen=True)
class GroupRows:
    """Rows of one group with their geometry, ready to be turned into features chunk by chunk."""

    first: torch.Tensor
    second: torch.Tensor
    pair: torch.Tensor
    """Row of the gates."""
    atoms: torch.Tensor
    """That occur in the rows, each once."""
    places: torch.Tensor
    """Of first and second among them, (2, rows)."""
    geometry: Geometry
    on_site: bool

    @classmethod
    def of(
        cls,
        tensors: BlockTensors,
        rows: Oriented,
        vectors: NDArray[np.float64],
        reservoir: PairReservoir,
    ) -> GroupRows:
        """With the harmonics that axis and baseline need."""
        if tensors.key.on_site:
            geometry = Geometry.none(len(vectors))
        else:
            top = max(reservoir.own.lmax + 1, *(degree for degree, _ in tensors.transforms))
            geometry = Geometry.of(vectors, reservoir.radial, top)
        first, second, pair = map(torch.from_numpy, (rows.first, rows.second, rows.pair))
        atoms, places = torch.unique(torch.stack([first, second]), return_inverse=True)
        return cls(first, second, pair, atoms, places, geometry, tensors.key.on_site)

    def chunks(self, kind: Kind, columns: int) -> list[slice]:
        """Rows that fit into the processor's cache with all their features."""
        step = max(8, _VALUES_PER_BLOCK // ((2 * kind[0] + 1) * max(columns, 1)))
        return [slice(start, start + step) for start in range(0, len(self.first), step)]

    def gather(self, design: Design, kind: Kind, measured: Measured) -> torch.Tensor:
        """What the rows' atoms gather, once for all chunks: (atoms, 2L+1, features)."""
        return design.gather(kind, self.atoms, measured)

    def features(
        self, design: Design, kind: Kind, rows: slice, measured: Measured, gathered: torch.Tensor
    ) -> NDArray[np.float64]:
        """(rows, 2L+1, columns)."""
        first, second = self.first[rows], self.second[rows]
        ends = [gathered[self.places[0, rows]]]
        if self.on_site:
            return design.sites(kind, measured.components.sites(first), ends[0])
        ends.append(gathered[self.places[1, rows]])
        M, gates = measured.components.pairs(first, second), measured.gates[self.pair[rows]]
        return design.pairs(kind, M, torch.cat(ends, dim=2), self.geometry[rows], gates)


def measure(
    reservoir: PairReservoir,
    recipe: HamiltonianRecipe,
    graph: Graph,
    pairs: PairList,
    displacement: NDArray[np.float64],
) -> Measured:
    """Send a structure through the macro."""
    gates = torch.zeros((len(pairs), reservoir.own.channels), dtype=torch.float64)
    between = torch.from_numpy(~pairs.on_site)
    distance = torch.from_numpy(np.linalg.norm(displacement, axis=1))
    gates[between] = reservoir.pair_gates(distance[between])
    gathered = recipe.products(on_site=True).gathered
    return Measured(reservoir.components(graph), reservoir.surroundings(graph, gathered), gates)


def check_reach(displacement: NDArray[np.float64], reach: float, where: str) -> None:
    """Raise `DataError` for pairs farther apart than what was learnt can be carried."""
    longest = float(np.linalg.norm(displacement, axis=1).max(initial=0.0))
    if longest > 1.2 * reach:
        raise DataError(
            f"{where} has a block between atoms {longest:.2f} angstrom apart; training reached "
            f"{reach:.2f} and the model vanishes at {1.2 * reach:.2f}. Train on larger structures"
        )


def pairs_within(atoms: ase.Atoms, reach: float) -> PairList:
    """Half of all pairs up to `reach` (angstrom), and every atom with itself."""
    finder = NeighborList(cutoff=reach, full_list=True, sorted=True)
    first, second, shift = finder.compute(
        points=atoms.positions, box=atoms.cell.array, periodic=atoms.pbc, quantities="ijS"
    )
    own = np.arange(len(atoms))
    first = np.concatenate([own, first.astype(np.int64)])
    second = np.concatenate([own, second.astype(np.int64)])
    shift = np.concatenate([np.zeros((len(atoms), 3), np.int64), shift.astype(np.int64)])
    # Lexicographic sign of R: the first component that is not zero decides.
    sign = np.sign(shift) @ np.array([4, 2, 1])
    keep = (sign > 0) | ((sign == 0) & (first <= second))
    return PairList(first[keep], second[keep], shift[keep])
