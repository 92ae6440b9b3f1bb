"""Training an `EnergyNetwork` on energies and forces by back-propagation, with every epoch's cost.

Adam at 1e-3, batches of two structures, the learning rate times 0.8 whenever the loss has not
fallen for 25 epochs: as the paper trains its own network, so that both meet the same terms. The
loss is the mean squared error of force components (eV/angstrom) and of energies per atom (eV),
from which the mean over the training structures is taken away.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rgnn_hal.benchmarks.trained_networks import EnergyNetwork, energy_and_forces
from rgnn_hal.cost import Work
from rgnn_hal.cost.digital import count_work
from rgnn_hal.structures import Graph, LabelledFrame, build_graph
from rgnn_hal.tasks.xu2025.training import Epoch

_BATCH = 2


@dataclass(frozen=True)
class _Labelled:
    graph: Graph
    energy: float
    """Per atom, relative to the mean, eV."""
    forces: Tensor


def train_energy_network(
    network: torch.nn.Module,
    elements: Sequence[int],
    cutoff: float,
    training: Sequence[LabelledFrame],
    test: Sequence[LabelledFrame],
    *,
    learning_rate: float = 1e-3,
    seed: int = 0,
) -> Iterator[Epoch]:
    """Train an `EnergyNetwork` in place; an `Epoch` after each, for the caller to stop at will."""
    mean = float(np.mean([frame.energy / len(frame.atoms) for frame in training]))

    def labelled(frame: LabelledFrame) -> _Labelled:
        graph = build_graph(frame.atoms, elements, cutoff, where=frame.where)
        energy = frame.energy / len(frame.atoms) - mean
        return _Labelled(graph, energy, torch.from_numpy(frame.forces).float())

    structures, judged = [labelled(f) for f in training], [labelled(f) for f in test]
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser, factor=0.8, patience=25, min_lr=1e-6
    )
    draw = np.random.default_rng(seed)
    seconds, once, number = 0.0, Work(), 0
    while True:
        number += 1
        order = draw.permutation(len(structures))
        batches = [
            [structures[k] for k in order[start : start + _BATCH]]
            for start in range(0, len(order), _BATCH)
        ]
        start = time.process_time()
        if number == 1:
            with count_work() as once:
                loss = _epoch(network, optimiser, batches)
        else:
            loss = _epoch(network, optimiser, batches)
        seconds += time.process_time() - start
        schedule.step(loss)
        yield Epoch(number, seconds, once * number, _force_mae(network, judged))


def _epoch(
    network: EnergyNetwork,
    optimiser: torch.optim.Optimizer,
    batches: Sequence[Sequence[_Labelled]],
) -> float:
    total = 0.0
    for batch in batches:
        optimiser.zero_grad()
        loss = torch.zeros(())
        for one in batch:
            energies, forces = energy_and_forces(network, one.graph, trace=True)
            loss = loss + (forces - one.forces).square().mean()
            loss = loss + (energies.mean() - one.energy).square()
        loss = loss / len(batch)
        loss.backward()
        optimiser.step()
        total += loss.item()
    return total / len(batches)


def _force_mae(network: EnergyNetwork, judged: Sequence[_Labelled]) -> float:
    errors = [energy_and_forces(network, one.graph)[1] - one.forces for one in judged]
    return float(torch.cat(errors).abs().mean())
