"""Products of many frames in files: measured once, read by every regression.

Atoms, pairs and edges count through all frames, as if they were one structure. The files lie in a
folder of the caller's and are mapped, so that memory does not grow with the frames.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rgnn_hal.reservoir.pairs import AtomComponents, Surroundings
from rgnn_hal.tasks.hamiltonian.features import Measured
from rgnn_hal.tasks.hamiltonian.recipe import HamiltonianRecipe
from rgnn_hal.tasks.hamiltonian.scan import DataSummary


class Spool:
    """Takes frames in order, as many atoms, pairs and edges as `data` says."""

    def __init__(self, folder: Path, data: DataSummary, recipe: HamiltonianRecipe) -> None:
        def mapped(name: str, *shape: int) -> Tensor:
            return torch.from_numpy(np.memmap(folder / name, np.float64, "w+", shape=shape))

        components, channels = (recipe.lmax + 1) ** 2, recipe.channels
        edges = recipe.products(on_site=True).edges
        gathered, told = edges.channels, (edges.lmax + 1) ** 2
        self._own = mapped("own", components, data.atoms, channels)
        self._partner = mapped("partner", components, data.atoms, channels)
        self._messages = mapped("messages", told, data.atoms, gathered)
        self._pair_gates = mapped("pair_gates", data.pairs, channels)
        self._edge_gates = mapped("edge_gates", data.edges, gathered)
        self._harmonics = mapped("harmonics", data.edges, (recipe.lmax + 2) ** 2)
        self._neighbour = torch.zeros(data.edges, dtype=torch.int64)
        self._start = torch.zeros(data.atoms + 1, dtype=torch.int64)
        self._atoms = self._pairs = self._edges = 0

    def append(self, measured: Measured) -> None:
        """Take one frame."""
        around = measured.surroundings
        atoms = slice(self._atoms, self._atoms + len(around.start) - 1)
        pairs = slice(self._pairs, self._pairs + len(measured.gates))
        edges = slice(self._edges, self._edges + len(around.neighbour))
        self._own[:, atoms] = measured.components.own
        self._partner[:, atoms] = measured.components.partner
        self._messages[:, atoms] = measured.components.messages
        self._pair_gates[pairs] = measured.gates
        self._edge_gates[edges], self._harmonics[edges] = around.gates, around.harmonics
        self._neighbour[edges] = around.neighbour + atoms.start
        self._start[atoms.start + 1 : atoms.stop + 1] = around.start[1:] + edges.start
        self._atoms, self._pairs, self._edges = atoms.stop, pairs.stop, edges.stop

    def finish(self) -> Measured:
        """All frames as one."""
        return Measured(
            AtomComponents(self._own, self._partner, self._messages),
            Surroundings(self._start, self._neighbour, self._harmonics, self._edge_gates),
            self._pair_gates,
        )
