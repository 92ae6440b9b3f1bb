"""Jets: values of functions with their exact gradients and Laplacians, pushed forward together.

A jet of functions f over D coordinates holds f, df/dx and sum_d d2f/dx_d2. Every step of a network
maps jets to jets:

    linear      z = x W:      (f, g, l) -> (f W, g W, l W)     2 + D products with the same W
    smooth      y = s(z):     (f, g, l) -> (s(f), s'(f) g, s'(f) l + s''(f) sum_d g_d^2)

so that the Laplacian comes out exact after one pass, without finite differences and without nested
automatic differentiation (the forward Laplacian of Li et al., Nat. Mach. Intell. 6, 209 (2024)).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Jet:
    """`value` (batch, f), `gradient` (batch, D, f) and `laplacian` (batch, f)."""

    value: Tensor
    gradient: Tensor
    laplacian: Tensor

    def map(self, function: Callable[[Tensor], Tensor]) -> Jet:
        """A linear map of the features, applied to value, tangents and Laplacian as one batch."""
        batch, directions, _ = self.gradient.shape
        rows = torch.cat([self.value[:, None], self.gradient, self.laplacian[:, None]], dim=1)
        mapped = function(rows.flatten(0, 1)).reshape(batch, directions + 2, -1)
        return Jet(mapped[:, 0], mapped[:, 1:-1], mapped[:, -1])

    def tanh(self) -> Jet:
        """The hyperbolic tangent of every feature."""
        value = torch.tanh(self.value)
        slope = 1.0 - value * value
        squares = self.gradient.square().sum(dim=1)
        laplacian = slope * (self.laplacian - 2.0 * value * squares)
        return Jet(value, slope[:, None] * self.gradient, laplacian)

    def shifted(self, offset: Tensor) -> Jet:
        """Features plus constants (f,)."""
        return Jet(self.value + offset, self.gradient, self.laplacian)

    def scaled(self, factor: Tensor) -> Jet:
        """Features times constants (f,)."""
        return Jet(self.value * factor, self.gradient * factor, self.laplacian * factor)

    def __getitem__(self, batch: slice) -> Jet:
        """Some of the batch."""
        return Jet(self.value[batch], self.gradient[batch], self.laplacian[batch])

    def __add__(self, other: Jet) -> Jet:
        return Jet(
            self.value + other.value,
            self.gradient + other.gradient,
            self.laplacian + other.laplacian,
        )

    def __mul__(self, other: Jet) -> Jet:
        cross = (self.gradient * other.gradient).sum(dim=1)
        return Jet(
            self.value * other.value,
            self.value[:, None] * other.gradient + other.value[:, None] * self.gradient,
            self.value * other.laplacian + other.value * self.laplacian + 2.0 * cross,
        )


def concatenate(jets: list[Jet]) -> Jet:
    """Features side by side."""
    return Jet(
        torch.cat([jet.value for jet in jets], dim=-1),
        torch.cat([jet.gradient for jet in jets], dim=-1),
        torch.cat([jet.laplacian for jet in jets], dim=-1),
    )


def stack_batches(jets: list[Jet]) -> Jet:
    """Batches one after the other."""
    return Jet(
        torch.cat([jet.value for jet in jets]),
        torch.cat([jet.gradient for jet in jets]),
        torch.cat([jet.laplacian for jet in jets]),
    )
