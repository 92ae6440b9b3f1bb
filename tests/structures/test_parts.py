from pathlib import Path

import ase
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal.structures import file_parts, read_frames


def written(path: Path, sizes: list[int]) -> Path:
    frames = []
    for number, size in enumerate(sizes):
        atoms = ase.Atoms(["H"] * size, positions=np.arange(3.0 * size).reshape(size, 3))
        atoms.calc = SinglePointCalculator(atoms, energy=number, forces=np.zeros((size, 3)))
        frames.append(atoms)
    write(path, frames, format="extxyz")
    return path


@given(
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=12),
    atoms=st.integers(1, 20),
)
def test_parts_hold_every_frame_once_in_order(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], atoms: int
) -> None:
    path = written(tmp_path_factory.mktemp("parts") / "frames.extxyz", sizes)
    parts = file_parts(path, atoms)
    found = [list(read_frames(path, part)) for part in parts]
    assert [frame.energy for frames in found for frame in frames] == list(range(len(sizes)))
    for part, frames in zip(parts, found, strict=True):
        assert part.frames == len(frames)
        assert part.atoms == sum(len(frame.atoms) for frame in frames)
        assert frames[0].where == f"frame {part.first} of {path}"
    assert all(part.atoms >= atoms for part in parts[:-1])
    assert parts[-1].stop == len(sizes)
