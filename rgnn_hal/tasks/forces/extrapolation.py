"""What is said about atoms unlike those of the training; see `rgnn_hal.reservoir.leverage`."""

import warnings

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.reservoir.leverage import EXTRAPOLATES

_NAMED = 10


class ExtrapolationWarning(UserWarning):
    """A prediction for environments that the training has not seen the like of."""


def extrapolating(grades: NDArray[np.float64]) -> list[int]:
    """Indices of the atoms whose grade is beyond the limit."""
    return [int(atom) for atom in np.flatnonzero(grades > EXTRAPOLATES)]


def warn(grades: NDArray[np.float64], where: str) -> None:
    """Warn of the atoms of a structure whose grades (atoms,) are beyond the limit."""
    atoms = extrapolating(grades)
    named = ", ".join(map(str, atoms[:_NAMED])) + (", ..." if len(atoms) > _NAMED else "")
    warnings.warn(
        f"{where}: {len(atoms)} of {len(grades)} atoms ({named}) are unlike those of the training, "
        f"by a grade of up to {grades.max():.3g} where {EXTRAPOLATES:g} is the limit; what is "
        "predicted for them is a guess. Label such structures and train with them",
        ExtrapolationWarning,
        stacklevel=3,
    )
