"""Whether a digital twin still describes its cells, from a few products.

A product differs from the twin's by what the weights have moved and by noise, y - x W = x dW + e.
Noise of two products of the same inputs is independent, and what has moved is in both of them:

    mean(r_1 r_2) = inputs * <dW^2>     for random x of unit variance

is free of noise in the mean, and takes no cell-by-cell read.
"""

import numpy as np

from rgnn_hal.analog.matrix import AnalogMatrix

_VECTORS = 128


def twin_deviation(matrix: AnalogMatrix, *, seed: int = 0) -> float:
    """Root mean square of what the weights have moved by since the twin was read, in their sd."""
    inputs = matrix.shape[0]
    x = np.random.default_rng([seed, 0x5354414C]).standard_normal((_VECTORS, inputs))
    expected = matrix.twin.product(x)
    first, second = (matrix.product(x) - expected for _ in range(2))
    moved = float((first * second).mean()) / inputs
    return float(np.sqrt(max(moved, 0.0)) / matrix.weights.std())
