"""Energies along a coordinate: one run per point, and a table that compares them with a reference.

A molecule with a gap, `"H 0 0 0; H 0 0 {r}"`, is filled with every value. Points are independent
runs in folders of their own, so that a curve that was interrupted goes on where it stopped.

Between the distances that a reference lists, a cubic spline stands in. What that errs is estimated
by leaving out the neighbouring points in turn: a gap twice as wide errs 2^4 times as much where
points are evenly spaced, but they seldom are, and a quarter of it is what is stated.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline

from rgnn_hal.macro import DataError, LimitError

GAP = "{r}"
_LEAST_POINTS = 6
"""Of a reference that may be interpolated."""


@dataclass(frozen=True)
class CurvePoint:
    """One point. Energies in hartree, the coordinate in the unit of the molecule."""

    coordinate: float
    energy: float | None
    standard_error: float | None
    reference: float | None
    reference_error: float | None = None
    """What interpolating the reference may have cost; 0 where it is listed."""


@dataclass(frozen=True)
class Reference:
    """Known energies, hartree, at increasing coordinates."""

    coordinate: tuple[float, ...]
    energy: tuple[float, ...]

    def at(self, value: float) -> tuple[float, float] | None:
        """The energy and its error of interpolation; None where neighbours lack on a side."""
        listed = np.array(self.coordinate)
        nearest = int(np.abs(listed - value).argmin())
        if abs(listed[nearest] - value) < 1e-6:
            return self.energy[nearest], 0.0
        if len(listed) < _LEAST_POINTS or not listed[1] < value < listed[-2]:
            return None
        energy = float(CubicSpline(listed, self.energy)(value))
        right = int(np.searchsorted(listed, value))
        near = range(max(right - 2, 1), min(right + 2, len(listed) - 1))
        return energy, max(self._left_out(k) for k in near) / 4.0

    def _left_out(self, number: int) -> float:
        """By how much the spline through all other points misses this one."""
        x, y = (np.delete(column, number) for column in (self.coordinate, self.energy))
        return abs(float(CubicSpline(x, y)(self.coordinate[number])) - self.energy[number])

    def line(self, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
        """A smooth line through the listed points, to look at."""
        spline = CubicSpline(self.coordinate, self.energy)
        x = np.linspace(max(low, self.coordinate[0]), min(high, self.coordinate[-1]), 200)
        return x, spline(x)


def coordinates(first: float, last: float, points: int) -> list[float]:
    """Evenly spaced values, both ends included."""
    if not 0 < first < last or points < 2:
        raise LimitError(
            f"a curve of {points} points from {first:g} to {last:g} is none; "
            "give at least 2 points and 0 < from < to"
        )
    return [float(value) for value in np.linspace(first, last, points).round(6)]


def filled(molecule: str, value: float) -> str:
    """The molecule at one value."""
    if GAP not in molecule:
        raise LimitError(f"molecule {molecule!r} has no {GAP} where the coordinate goes")
    return molecule.replace(GAP, f"{value:g}")


def read_reference(path: Path) -> Reference:
    """From JSON `{"R": [...], "E": [...]}`, or an object that holds one as `H2_curve_exact`.

    Raises:
        DataError: something else.
    """
    try:
        stored = json.loads(path.read_text())
        stored = stored.get("H2_curve_exact", stored)
        pairs = sorted(zip(stored["R"], stored["E"], strict=True))
        columns = tuple(
            tuple(float(value) for value in column) for column in zip(*pairs, strict=True)
        )
        return Reference(*columns)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{path} is no reference curve ({error}); it needs lists R and E of equal length"
        ) from error


def write_table(points: Sequence[CurvePoint], path: Path) -> None:
    """As CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(CurvePoint.__dataclass_fields__))
        writer.writeheader()
        writer.writerows(asdict(point) for point in points)
