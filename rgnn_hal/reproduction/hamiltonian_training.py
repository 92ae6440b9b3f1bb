"""The paper's Hamiltonian network by back-propagation on the frames that ours has learnt from.

As the paper trains: Adam at 1e-3, one structure at a time, gradients clipped at 4.2, mean squared
error of blocks in eV^2, every block turned into the frame of its edge: D H D^T with D the identity
on s and the frame's rows on p. Our data have s, s and one p shell, five of the network's thirteen
orbitals; the rest of its outputs is left out. It has no blocks on atoms, so errors are those of
blocks between atoms, within its radius.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rgnn_hal.cost import Work
from rgnn_hal.cost.digital import count_work
from rgnn_hal.macro.errors import DataError
from rgnn_hal.progress import Progress, silent
from rgnn_hal.reproduction.backpropagation import (
    Goal,
    Point,
    Training,
    is_judged,
    makers,
    run_down,
)
from rgnn_hal.structures import Graph, build_graph
from rgnn_hal.tasks.hamiltonian import HamiltonianFrame
from rgnn_hal.tasks.hamiltonian.filling import HARTREE_EV
from rgnn_hal.tasks.xu2025 import HamiltonianNetwork, LayerMaker
from rgnn_hal.tasks.xu2025.hamiltonian import RADIUS, edge_frames

_ORBITALS, _OURS = 13, 5
_RATE, _CLIP = 1e-3, 4.2


@dataclass(frozen=True)
class EdgeBlocks:
    """One structure as the network sees it."""

    graph: Graph
    edges: Tensor
    """Of the graph, those that have a label."""
    blocks: Tensor
    """(edges, 5, 5), eV, in the frames of the edges; rows belong to the centre."""


def train_hamiltonian_networks(
    training: Sequence[HamiltonianFrame],
    test: Sequence[HamiltonianFrame],
    elements: tuple[int, ...],
    goal: Goal,
    *,
    seconds: float,
    progress: Progress = silent,
) -> list[Training]:
    """Errors are root mean squares over elements of blocks between atoms, meV."""
    learnt, judged = ([edge_blocks(one, elements) for one in some] for some in (training, test))
    return [
        run_down(label, _points(maker, learnt, judged), goal, seconds, progress)
        for label, maker in makers().items()
    ]


def edge_blocks(frame: HamiltonianFrame, elements: tuple[int, ...]) -> EdgeBlocks:
    """Labels of a frame on the edges of its graph.

    Raises:
        DataError: orbitals other than s, s, p.
    """
    if frame.hamiltonian.shape[1] != _OURS:
        raise DataError(
            f"{frame.where} has {frame.hamiltonian.shape[1]} orbitals per atom; the paper's "
            f"network is compared on s2p1, which has {_OURS}"
        )
    graph = build_graph(frame.atoms, elements, RADIUS, where=frame.where)
    between = ~frame.pairs.on_site
    first, second = frame.pairs.first[between], frame.pairs.second[between]
    vector = frame.pairs.displacement(frame.atoms)[between]
    blocks = HARTREE_EV * frame.hamiltonian[between]
    edges, pairs = _matches(
        _keys(graph.centre.numpy(), graph.neighbour.numpy(), graph.displacement.numpy()),
        _keys(
            np.concatenate([first, second]),
            np.concatenate([second, first]),
            np.concatenate([vector, -vector]),
        ),
    )
    both = np.concatenate([blocks, blocks.transpose(0, 2, 1)])[pairs]
    chosen = torch.from_numpy(edges)
    turn = torch.eye(_OURS, dtype=torch.float64).repeat(len(edges), 1, 1)
    turn[:, 2:, 2:] = edge_frames(graph)[chosen]
    local = turn @ torch.from_numpy(both) @ turn.transpose(1, 2)
    return EdgeBlocks(graph, chosen, local.float())


def _keys(centre: np.ndarray, neighbour: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Integers that name an edge: its atoms and its vector to 0.01 angstrom."""
    return np.column_stack([centre, neighbour, np.round(100 * vector)]).astype(np.int64)


def _matches(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices of rows that occur in both."""
    _, names = np.unique(np.concatenate([ours, theirs]), axis=0, return_inverse=True)
    names = names.ravel()
    _, edges, pairs = np.intersect1d(names[: len(ours)], names[len(ours) :], return_indices=True)
    return edges, pairs


def _points(
    maker: LayerMaker, training: Sequence[EdgeBlocks], test: Sequence[EdgeBlocks]
) -> Iterator[Point]:
    network = HamiltonianNetwork(maker)
    trained = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=_RATE)
    seconds, once, epochs = 0.0, Work(), 0
    while True:
        start = time.process_time()
        if not epochs:
            with count_work() as once:
                _epoch(network, trained, optimiser, training)
        else:
            _epoch(network, trained, optimiser, training)
        seconds, epochs = seconds + time.process_time() - start, epochs + 1
        if is_judged(epochs):
            yield Point(epochs, seconds, once * epochs, _rms(network, test))


def _epoch(
    network: HamiltonianNetwork,
    trained: list[torch.nn.Parameter],
    optimiser: torch.optim.Optimizer,
    structures: Sequence[EdgeBlocks],
) -> None:
    for one in structures:
        optimiser.zero_grad()
        _errors(network, one).pow(2).mean().backward()
        torch.nn.utils.clip_grad_norm_(trained, _CLIP)
        optimiser.step()


def _rms(network: HamiltonianNetwork, structures: Sequence[EdgeBlocks]) -> float:
    """meV."""
    with torch.no_grad():
        errors = torch.cat([_errors(network, one).flatten() for one in structures])
    return 1e3 * float(errors.pow(2).mean().sqrt())


def _errors(network: HamiltonianNetwork, one: EdgeBlocks) -> Tensor:
    out: Tensor = network(one.graph).unflatten(1, (_ORBITALS, _ORBITALS))
    return out[one.edges, :_OURS, :_OURS] - one.blocks
