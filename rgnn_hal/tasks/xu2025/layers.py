"""Where the weights of a body's layers live is a value passed to a network.

ForceNetwork(frozen_layers(matrices))     in a macro: random, frozen, noisy
ForceNetwork(random_layer(seed))          on the host: random, frozen, exact
ForceNetwork(trained_layer(seed))         on the host: trained like everything else
"""

from collections.abc import Callable, Sequence

import torch

from rgnn_hal.analog import AnalogLinear, AnalogMatrix
from rgnn_hal.macro import ConfigurationError

LayerMaker = Callable[[int, int], torch.nn.Module]
"""(inputs, outputs) -> a linear layer without bias; called once per layer, in order."""


def frozen_layers(matrices: Sequence[AnalogMatrix]) -> LayerMaker:
    """Layers in macros: `matrices` in the order in which a network asks for them.

    Weights there have unit variance; a layer divides by sqrt(inputs), which the host does to the
    inputs' scale at no cost, so that activations keep theirs.

    Raises:
        ConfigurationError: from the maker, when shapes or numbers do not agree.
    """
    remaining = list(matrices)

    def make(inputs: int, outputs: int) -> torch.nn.Module:
        if not remaining or remaining[0].shape != (inputs, outputs):
            found = remaining[0].shape if remaining else "none"
            raise ConfigurationError(
                f"the network asks for a matrix of {(inputs, outputs)}, the next one is {found}; "
                "freeze matrices of the network's `frozen_shapes`"
            )
        return _Scaled(AnalogLinear(remaining.pop(0)), inputs)

    return make


def random_layer(seed: int) -> LayerMaker:
    """Frozen layers of N(0, 1 / inputs) on the host."""
    generator = torch.Generator().manual_seed(seed)

    def make(inputs: int, outputs: int) -> torch.nn.Module:
        layer = torch.nn.Linear(inputs, outputs, bias=False)
        torch.nn.init.normal_(layer.weight, std=inputs**-0.5, generator=generator)
        return layer.requires_grad_(False)

    return make


def trained_layer(seed: int) -> LayerMaker:
    """Trained layers on the host, Xavier-uniform to begin with, as the paper's trained ones."""
    generator = torch.Generator().manual_seed(seed)

    def make(inputs: int, outputs: int) -> torch.nn.Module:
        layer = torch.nn.Linear(inputs, outputs, bias=False)
        torch.nn.init.xavier_uniform_(layer.weight, generator=generator)
        return layer

    return make


def biased(inputs: int, outputs: int, generator: torch.Generator) -> torch.nn.Linear:
    """A layer of the trained parts: Xavier-uniform weights and a bias of zero to begin with."""
    layer = torch.nn.Linear(inputs, outputs)
    torch.nn.init.xavier_uniform_(layer.weight, generator=generator)
    torch.nn.init.zeros_(layer.bias)
    return layer


class _Scaled(torch.nn.Module):
    def __init__(self, layer: torch.nn.Module, inputs: int) -> None:
        super().__init__()
        self.layer = layer
        self.scale = inputs**-0.5

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layer(x * self.scale)
        return out
