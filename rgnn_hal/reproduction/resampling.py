"""How sure an error is that was found on few structures: the bootstrap over structures.

Elements of one structure err together, so structures are drawn anew and not elements. The interval
is that of the middle 68 % of draws, widened by sqrt(n / (n - 1)) because a sample's spread about
its own mean is too narrow by that.
"""

from collections.abc import Sequence

import numpy as np

from rgnn_hal.macro.errors import DataError
from rgnn_hal.reproduction.scaling import Estimate

_DRAWS = 4000


def mean_of_structures(
    sums: Sequence[float], weights: Sequence[float], *, root: bool = False, seed: int = 0
) -> Estimate:
    """`sum(sums) / sum(weights)`, or its square root, each entry being one structure's.

    Raises:
        DataError: fewer than two structures.
    """
    total, weight = np.asarray(sums, float), np.asarray(weights, float)
    count = len(total)
    if count < 2:
        raise DataError(f"{count} structures have no spread; judge at least two")
    drawn = np.random.default_rng(seed).integers(count, size=(_DRAWS, count))
    means = total[drawn].sum(axis=1) / weight[drawn].sum(axis=1)
    middle = total.sum() / weight.sum()
    if root:
        means, middle = np.sqrt(means), np.sqrt(middle)
    low, high = np.quantile(means, [0.1587, 0.8413])
    wider = np.sqrt(count / (count - 1))
    return Estimate(
        float(middle),
        float(max(0.0, middle - wider * (middle - low))),
        float(middle + wider * (high - middle)),
    )
