"""What one pass of the paper's own networks takes, counted on a macro.

Weights are differences of neighbouring cells, as the paper's. Where whole rectangles do not fit one
array, as the paper's cells do, a second chip takes the rest: that changes no count.
"""

from collections.abc import Sequence
from contextlib import ExitStack

import torch

from rgnn_hal.analog import AnalogMatrix
from rgnn_hal.cost.digital import count_work
from rgnn_hal.cost.work import Work
from rgnn_hal.macro import LimitError, open_macro
from rgnn_hal.mapping import NEIGHBOUR
from rgnn_hal.reservoir.frozen import freeze
from rgnn_hal.structures import Graph, LabelledFrame, build_graph
from rgnn_hal.tasks.xu2025 import (
    ForceNetwork,
    HamiltonianNetwork,
    WavefunctionNetwork,
    frozen_layers,
)
from rgnn_hal.tasks.xu2025.force import CUTOFF
from rgnn_hal.tasks.xu2025.wavefunction import frozen_shapes


def force_network_work(uri: str, elements: tuple[int, ...], frame: LabelledFrame) -> Work:
    """The force network on one structure."""
    graph = build_graph(frame.atoms, elements, CUTOFF, where=frame.where)
    with ExitStack() as chips:
        layers = frozen_layers(_matrices(chips, uri, ForceNetwork.frozen_shapes))
        return _counted(ForceNetwork(layers, elements), graph)


def hamiltonian_network_work(uri: str, graph: Graph) -> Work:
    """The Hamiltonian network on one structure."""
    with ExitStack() as chips:
        layers = frozen_layers(_matrices(chips, uri, HamiltonianNetwork.frozen_shapes))
        return _counted(HamiltonianNetwork(layers), graph)


def wavefunction_network_work(uri: str, nuclei: torch.Tensor, walkers: torch.Tensor) -> Work:
    """The wavefunction network, one value of psi per walker (walkers, 2, 3)."""
    single, pair = frozen_shapes(len(nuclei))
    with ExitStack() as chips:
        layers = frozen_layers(_matrices(chips, uri, [*single, *pair]))
        return _counted(WavefunctionNetwork(layers, nuclei, (1, 1)), walkers)


def _counted(network: torch.nn.Module, given: Graph | torch.Tensor) -> Work:
    with torch.no_grad(), count_work() as work:
        network.eval()(given)
    return work


def _matrices(chips: ExitStack, uri: str, shapes: Sequence[tuple[int, int]]) -> list[AnalogMatrix]:
    macro = chips.enter_context(open_macro(uri))
    try:
        return list(freeze(macro, shapes, scheme=NEIGHBOUR).thaw(macro))
    except LimitError:
        if len(shapes) == 1:
            raise
    half = len(shapes) // 2
    return [*_matrices(chips, uri, shapes[:half]), *_matrices(chips, uri, shapes[half:])]
