"""Structures as flat arrays, without labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ase
import numpy as np
from numpy.typing import NDArray


def pack_structures(structures: Sequence[ase.Atoms]) -> dict[str, NDArray[Any]]:
    """Arrays that `unpack_structures` takes."""
    return {
        "sizes": np.array([len(atoms) for atoms in structures], dtype=np.int64),
        "numbers": np.concatenate([[], *(atoms.numbers for atoms in structures)]).astype(np.int64),
        "positions": np.concatenate([np.empty((0, 3)), *(atoms.positions for atoms in structures)]),
        "cells": np.array([atoms.cell.array for atoms in structures]).reshape(-1, 3, 3),
        "periodic": np.array([atoms.pbc for atoms in structures], dtype=bool).reshape(-1, 3),
    }


def unpack_structures(arrays: Mapping[str, NDArray[Any]]) -> tuple[ase.Atoms, ...]:
    """The inverse.

    Raises:
        KeyError, ValueError: an array is missing or has another size.
    """
    ends = np.cumsum(arrays["sizes"])
    parts = zip(
        np.split(arrays["numbers"], ends)[:-1],
        np.split(arrays["positions"], ends)[:-1],
        arrays["cells"],
        arrays["periodic"],
        strict=True,
    )
    return tuple(
        ase.Atoms(numbers=numbers, positions=positions, cell=cell, pbc=periodic)
        for numbers, positions, cell, periodic in parts
    )
