"""A linear layer on a macro for torch: forward on the hardware, backward through the twin.

The hardware's product has no derivative that torch could follow; the twin's weights are the best
estimate of it: dL/dx = dL/dy @ W_twin^T. The frozen weights take no gradient.
"""

from typing import Any

import torch

from rgnn_hal.analog.matrix import AnalogMatrix
from rgnn_hal.macro import LimitError


class AnalogLinear(torch.nn.Module):
    """y = x @ W for x (..., inputs), float32 or float64, W frozen in a macro."""

    def __init__(self, matrix: AnalogMatrix) -> None:
        super().__init__()
        self.matrix = matrix

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Run the product on the hardware; (..., outputs) in x's dtype and on x's device.

        Raises:
            LimitError: as `AnalogMatrix.product`, or x is not of a floating type.
        """
        if not x.is_floating_point():
            raise LimitError(f"input has type {x.dtype}; pass float32 or float64 numbers")
        result: torch.Tensor = _Product.apply(x, self.matrix)  # type: ignore[no-untyped-call]
        return result

    def extra_repr(self) -> str:
        """Shown by `repr`."""
        inputs, outputs = self.matrix.shape
        return f"{inputs} -> {outputs}, scheme {self.matrix.placement.scheme.name}"


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, matrix: AnalogMatrix) -> torch.Tensor:
        ctx.matrix = matrix
        rows = x.detach().cpu().reshape(-1, matrix.shape[0]).numpy()
        y = torch.from_numpy(matrix.product(rows)).to(x)
        return y.reshape(*x.shape[:-1], matrix.shape[1])

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None]:
        (grad,) = grads
        weights = ctx.matrix.twin.tensor(grad.dtype).to(grad.device)
        return grad @ weights.T, None
