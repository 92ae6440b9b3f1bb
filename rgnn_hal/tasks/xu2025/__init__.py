"""The paper's own networks, as reference models: what its claims are about, and counted against.

Xu et al., Nat. Comput. Sci. 2025, 10.1038/s43588-025-00844-3, rebuilt from the dimensions of its
published code: bodies of random layers frozen in the macro, small trained parts on the host. The
same network with every layer trained is one argument away (`trained_layer`), which is how the cost
of training is compared on equal data. Our own models live in the other rooms of `tasks`.
"""

from rgnn_hal.tasks.xu2025.force import ForceNetwork
from rgnn_hal.tasks.xu2025.hamiltonian import HamiltonianNetwork
from rgnn_hal.tasks.xu2025.layers import (
    LayerMaker,
    frozen_layers,
    random_layer,
    severed_layer,
    trained_layer,
)
from rgnn_hal.tasks.xu2025.wavefunction import WavefunctionNetwork

__all__ = [
    "ForceNetwork",
    "HamiltonianNetwork",
    "LayerMaker",
    "WavefunctionNetwork",
    "frozen_layers",
    "random_layer",
    "severed_layer",
    "trained_layer",
]
