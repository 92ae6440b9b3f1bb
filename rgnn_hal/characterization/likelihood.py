"""Maximum likelihood with standard errors from the curvature at the optimum.

    covariance = H^-1,   H = second derivatives of -ln L at the optimum

by central differences of steps that the caller gives as the scale on which each parameter matters.
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from rgnn_hal.characterization.quantity import Values
from rgnn_hal.macro import DataError

Objective = Callable[[Values], float]
"""Negative log-likelihood of a parameter vector."""


def maximum_likelihood(objective: Objective, start: Values, scale: Values) -> tuple[Values, Values]:
    """(parameters, their standard errors); `scale` is the order of magnitude of the errors.

    Raises:
        DataError: the data do not determine the parameters.
    """

    def scaled(step: Values) -> float:
        return objective(start + scale * step)

    best: Values = np.zeros(start.size)
    for _ in range(2):  # a simplex that has collapsed too early is opened once more
        options = {"xatol": 1e-5, "fatol": 1e-7, "maxiter": 4000, "maxfev": 4000}
        best = minimize(scaled, best, method="Nelder-Mead", options=options).x
    hessian = _hessian(scaled, best)
    try:
        variance = np.diag(np.linalg.inv(hessian))
    except np.linalg.LinAlgError:
        variance = np.full(start.size, np.nan)
    if not np.all(variance > 0):
        raise DataError(
            "the data do not determine every parameter of the model; measure more cells, "
            "or over a wider range"
        )
    return start + scale * best, scale * np.sqrt(variance)


def _hessian(function: Objective, at: Values) -> Values:
    size, step = at.size, 0.1
    hessian = np.empty((size, size))
    unit = step * np.eye(size)
    for i in range(size):
        for j in range(i + 1):
            ends = (
                function(at + unit[i] + unit[j])
                - function(at + unit[i] - unit[j])
                - function(at - unit[i] + unit[j])
                + function(at - unit[i] - unit[j])
            )
            hessian[i, j] = hessian[j, i] = ends / (4 * step**2)
    return hessian
