"""What one pass of the paper's own networks takes, counted on a macro.

Weights are differences of neighbouring cells, as the paper's: any other scheme does not fit.
"""

import torch

from rgnn_hal.cost.digital import count_work
from rgnn_hal.cost.work import Work
from rgnn_hal.macro import open_macro
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
    with open_macro(uri) as macro:
        weights = freeze(macro, ForceNetwork.frozen_shapes, scheme=NEIGHBOUR)
        network = ForceNetwork(frozen_layers(weights.thaw(macro)), elements).eval()
        with torch.no_grad(), count_work() as work:
            network(graph)
    return work


def hamiltonian_network_work(uri: str, graph: Graph) -> Work:
    """The Hamiltonian network on one structure."""
    with open_macro(uri) as macro:
        weights = freeze(macro, HamiltonianNetwork.frozen_shapes, scheme=NEIGHBOUR)
        network = HamiltonianNetwork(frozen_layers(weights.thaw(macro))).eval()
        with torch.no_grad(), count_work() as work:
            network(graph)
    return work


def wavefunction_network_work(uri: str, nuclei: torch.Tensor, walkers: torch.Tensor) -> Work:
    """The wavefunction network, one value of psi per walker (walkers, 2, 3)."""
    single, pair = frozen_shapes(len(nuclei))
    with open_macro(uri) as macro:
        weights = freeze(macro, [*single, *pair], scheme=NEIGHBOUR)
        layers = frozen_layers(weights.thaw(macro))
        network = WavefunctionNetwork(layers, nuclei, (1, 1)).eval()
        with torch.no_grad(), count_work() as work:
            network(walkers)
    return work
