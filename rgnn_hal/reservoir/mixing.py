"""The one thing a reservoir asks of hardware: a fixed random matrix that multiplies vectors.

There is one mixing per angular momentum l. The same matrix mixes every component m, so it commutes
with rotations and whatever is contracted from its outputs is exactly invariant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from rgnn_hal.cost import products, record


class Mixing(Protocol):
    """A fixed matrix, seen twice: as the physical product and as its digital twin."""

    @property
    def weights(self) -> np.ndarray:
        """The twin: what is known of the matrix, (inputs, outputs) float64."""
        ...

    def product(self, x: np.ndarray) -> np.ndarray:
        """Multiply rows x (batch, inputs) by the physical matrix: (batch, outputs) float64.

        May be noisy and is counted. Noise is drawn per row in the order given, so a caller who
        keeps the order of rows may split a batch anywhere.
        """
        ...


@runtime_checkable
class ReversibleMixing(Mixing, Protocol):
    """A mixing whose matrix multiplies backwards too."""

    def transposed(self, y: np.ndarray) -> np.ndarray:
        """Multiply rows y (batch, outputs) by the transpose: (batch, inputs) float64, likewise.

        Raises:
            NotSupportedError: the hardware cannot, or was not calibrated for it.
        """
        ...


@dataclass(frozen=True)
class DigitalMixing:
    """A mixing without hardware: the product is that with the twin itself."""

    weights: np.ndarray

    def product(self, x: np.ndarray) -> np.ndarray:
        """The exact product x W."""
        record(products(len(x) * self.weights.size))
        return np.asarray(x @ self.weights)

    def transposed(self, y: np.ndarray) -> np.ndarray:
        """The exact product y W^T."""
        record(products(len(y) * self.weights.size))
        return np.asarray(y @ self.weights.T)
