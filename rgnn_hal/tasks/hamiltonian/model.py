"""A trained Hamiltonian model: recipe, frozen weights, readouts; and what it predicts.

The model itself is hardware-free. Joined to mixings, on a macro or digital, it becomes a
`Predictor`: one structure in, H and S in the order of orbitals of the training data out. H_ij and
H_ji come from one block, and blocks between equal elements are the mean of both readings, so
hermiticity and the exchange of atoms are exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import ase
import numpy as np
import torch
from numpy.typing import NDArray
from vesin import NeighborList

from rgnn_hal.macro import DataError, Macro
from rgnn_hal.progress import Progress, silent
from rgnn_hal.reservoir import Mixing
from rgnn_hal.reservoir.frozen import FrozenWeights
from rgnn_hal.reservoir.pairs import PairReservoir
from rgnn_hal.structures import Graph
from rgnn_hal.tasks.hamiltonian.batch import Batch, Structure
from rgnn_hal.tasks.hamiltonian.blocks import BlockTensors, GroupKey, Kind, orient
from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFrame
from rgnn_hal.tasks.hamiltonian.features import Design, Measured
from rgnn_hal.tasks.hamiltonian.filling import Filling
from rgnn_hal.tasks.hamiltonian.orbitals import OrbitalBasis
from rgnn_hal.tasks.hamiltonian.overlap import OverlapModel
from rgnn_hal.tasks.hamiltonian.pairlist import PairList
from rgnn_hal.tasks.hamiltonian.readout import GroupReadout
from rgnn_hal.tasks.hamiltonian.recipe import HamiltonianRecipe
from rgnn_hal.tasks.hamiltonian.sharing import Gathering, share

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
    filling: Filling | None
    """How bands are filled, of crystals whose labels said it."""
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
        return self.predict_many([Structure(atoms, pairs, where)])[0]

    def predict_many(self, structures: Sequence[Structure]) -> list[HamiltonianFrame]:
        """As `predict`, of several structures at once: small ones are many times faster.

        Raises:
            DataError: as `predict`, naming the structure; none is predicted then.
        """
        model = self.model
        batch = Batch.of(structures, model.elements, model.recipe.cutoff, self._pairs)
        displacement = batch.displacement
        _check_reach(batch, model.reach)
        groups = orient(batch.numbers, batch.pairs)
        for key, rows in groups.items():
            self._check_known(key, structures[batch.structure_of(int(rows.pair[0]))].where)
        measured = measure(self.reservoir, model.recipe, batch.graph, batch.pairs, displacement)
        shares = share(self._gatherings, batch.graph.species, measured)
        size = model.basis.largest
        hamiltonian, overlap = np.zeros((2, len(batch.pairs), size, size))
        for key, rows in groups.items():
            group = self._groups[key]
            weight = 0.5 if key.mirrored else 1.0
            vectors = rows.vectors(displacement)
            geometry = group.geometry(vectors, self.reservoir.radial)
            blocks = group.blocks(rows, geometry, measured, shares)
            rows.scatter(blocks, hamiltonian, weight)
            rows.scatter(model.overlap.blocks(group.tensors, vectors), overlap, weight)
        return batch.split(hamiltonian, overlap)

    def _check_known(self, key: GroupKey, where: str) -> None:
        if key not in self._groups:
            raise DataError(
                f"{where} has blocks between elements {key.first} and {key.second}, which no "
                "training structure had; train on data that contain such pairs"
            )

    @cached_property
    def _groups(self) -> dict[GroupKey, GroupReadout]:
        model = self.model
        keys = sorted({key for key, _ in model.readouts})
        return {
            key: GroupReadout(
                BlockTensors(key, model.basis),
                Design.of(key, model.recipe),
                {kind: readout for (of, kind), readout in model.readouts.items() if of == key},
            )
            for key in keys
        }

    @cached_property
    def _gatherings(self) -> list[Gathering]:
        found = []
        for species, element in enumerate(self.model.elements):
            ends = {
                (key, end): (group.design.products, group.gathered[end])
                for key, group in self._groups.items()
                for end, number in enumerate(group.ends)
                if number == element
            }
            found.append(Gathering.of(species, ends))
        return found

    def _pairs(self, atoms: ase.Atoms) -> PairList:
        """All that the model has blocks for."""
        if self.model.periodic:
            return pairs_within(atoms, self.model.reach)
        return _all_pairs(len(atoms))


@cache
def _all_pairs(atoms: int) -> PairList:
    """Of a molecule."""
    first, second = np.triu_indices(atoms)
    return PairList(first, second, np.zeros((len(first), 3), dtype=np.int64))


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
    return Measured(*reservoir.measure(graph, gathered), gates)


def _check_reach(batch: Batch, reach: float) -> None:
    """Raise `DataError` for pairs farther apart than what was learnt can be carried."""
    distance = np.linalg.norm(batch.displacement, axis=1)
    farthest = int(distance.argmax())
    longest = float(distance[farthest])
    if longest > 1.2 * reach:
        where = batch.structures[batch.structure_of(farthest)].where
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
