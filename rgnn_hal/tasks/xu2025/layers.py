"""Where the weights of a body's layers live is a value passed to a network.

ForceNetwork(frozen_layers(matrices))     in a macro: random, frozen, noisy
ForceNetwork(random_layer(seed))          on the host: random, frozen, exact
ForceNetwork(severed_layer(seed))         the same in a macro's place, without gradients through it
ForceNetwork(trained_layer(seed))         on the host: trained like everything else
"""

from collections.abc import Callable, Sequence

import torch

from rgnn_hal.analog import AnalogLinear, AnalogMatrix
from rgnn_hal.cost import Ledger, record
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


def severed_layer(seed: int) -> LayerMaker:
    """Frozen layers as the paper trains around them, to see what that takes of a host.

    Exact random weights stand for a macro's: their products are recorded as analog work, and no
    gradient passes through them, as none passes the paper's cast of the inputs to integers. What
    lies below is trained through residual connections alone.
    """
    draw = random_layer(seed)

    def make(inputs: int, outputs: int) -> torch.nn.Module:
        return _Severed(draw(inputs, outputs))

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


class _Severed(torch.nn.Module):
    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = self.layer.get_parameter("weight")
        # NumPy multiplies, so that the host's count of torch's operations does not see it.
        out = torch.from_numpy(x.detach().numpy() @ weight.numpy().T)
        products = x.shape[:-1].numel()
        record(Ledger(products=products, multiplications=products * weight.numel()))
        return out


class _Scaled(torch.nn.Module):
    def __init__(self, layer: torch.nn.Module, inputs: int) -> None:
        super().__init__()
        self.layer = layer
        self.scale = inputs**-0.5

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layer(x * self.scale)
        return out
