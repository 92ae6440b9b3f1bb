"""Training the paper's force network by back-propagation, with every epoch's cost.

As the paper trains: Adam, mean squared error of force components, batches of two structures, the
learning rate times 0.8 whenever the error has not fallen for 25 epochs. Seconds are CPU time of
this process; operations are counted in the first epoch, which every later one repeats, because
counting takes time itself.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from rgnn_hal.cost import Work
from rgnn_hal.cost.digital import count_work
from rgnn_hal.progress import Progress, silent
from rgnn_hal.structures import Graph, LabelledFrame, build_graph
from rgnn_hal.tasks.xu2025.force import CUTOFF, ForceNetwork

_BATCH = 2


@dataclass(frozen=True)
class Epoch:
    """Where training stood after an epoch, and what it had cost until then."""

    number: int
    """Of epochs done."""
    cpu_seconds: float
    """Of training alone; judging the test structures is not counted."""
    work: Work
    force_mae: float
    """eV/angstrom, of the test structures."""


def train_force_network(
    network: ForceNetwork,
    elements: Sequence[int],
    training: Sequence[LabelledFrame],
    test: Sequence[LabelledFrame],
    *,
    epochs: int,
    learning_rate: float = 5e-4,
    seed: int = 0,
    judged: Callable[[int], bool] = lambda epoch: True,
    progress: Progress = silent,
) -> Iterator[Epoch]:
    """Train `network` in place, for the caller to stop when it suffices.

    An `Epoch` comes after each of those that are `judged`, by default after all.
    """
    structures = [_labelled(frame, elements) for frame in training]
    unseen = [_labelled(frame, elements) for frame in test]
    trained = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=learning_rate)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser, factor=0.8, patience=25, min_lr=1e-6
    )
    draw = np.random.default_rng(seed)
    seconds, once = 0.0, Work()
    for number in range(1, epochs + 1):
        order = draw.permutation(len(structures))
        batches = [
            [structures[k] for k in order[start : start + _BATCH]]
            for start in range(0, len(order), _BATCH)
        ]
        network.train()
        start = time.process_time()
        if number == 1:
            with count_work() as once:
                loss = _epoch(network, optimiser, batches)
        else:
            loss = _epoch(network, optimiser, batches)
        seconds += time.process_time() - start
        schedule.step(loss)
        progress(number, epochs, "epochs")
        if judged(number):
            yield Epoch(number, seconds, once * number, _force_mae(network, unseen))


def _epoch(
    network: ForceNetwork,
    optimiser: torch.optim.Optimizer,
    batches: Sequence[Sequence[tuple[Graph, torch.Tensor]]],
) -> float:
    total = 0.0
    for batch in batches:
        optimiser.zero_grad()
        forces = network(_joined([graph for graph, _ in batch]))
        loss = (forces - torch.cat([label for _, label in batch])).pow(2).mean()
        loss.backward()
        optimiser.step()
        total += loss.item()
    return total / len(batches)


def _force_mae(network: ForceNetwork, unseen: Sequence[tuple[Graph, torch.Tensor]]) -> float:
    network.eval()
    with torch.no_grad():
        errors = torch.cat([(network(graph) - label).abs().flatten() for graph, label in unseen])
    return float(errors.mean())


def _labelled(frame: LabelledFrame, elements: Sequence[int]) -> tuple[Graph, torch.Tensor]:
    graph = build_graph(frame.atoms, elements, CUTOFF, where=frame.where)
    return graph, torch.from_numpy(frame.forces).float()


def _joined(graphs: Sequence[Graph]) -> Graph:
    """Several structures side by side in one graph."""
    before = np.cumsum([0, *(graph.atoms for graph in graphs)])
    return Graph(
        species=torch.cat([graph.species for graph in graphs]),
        centre=torch.cat([graph.centre + int(n) for graph, n in zip(graphs, before, strict=False)]),
        neighbour=torch.cat(
            [graph.neighbour + int(n) for graph, n in zip(graphs, before, strict=False)]
        ),
        displacement=torch.cat([graph.displacement for graph in graphs]),
    )
