import gc
import json
import tracemalloc
from pathlib import Path

import ase
import ase.io
import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator

from rgnn_hal.macro.errors import DataError
from rgnn_hal.structures import read_frames, read_structures


def labelled_water(energy: float = -1.5, force: float = 0.25) -> ase.Atoms:
    atoms: ase.Atoms = molecule("H2O")
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=np.full((3, 3), force))
    return atoms


def test_energies_and_forces_come_back_as_written(tmp_path: Path) -> None:
    path = tmp_path / "water.extxyz"
    ase.io.write(path, [labelled_water(-1.0), labelled_water(-2.0, 0.5)], format="extxyz")
    frames = list(read_frames(path))
    assert [frame.energy for frame in frames] == [-1.0, -2.0]
    np.testing.assert_array_equal(frames[1].forces, np.full((3, 3), 0.5))
    assert frames[1].where == f"frame 1 of {path}"


def test_structures_are_read_without_labels(tmp_path: Path) -> None:
    path = tmp_path / "water.extxyz"
    ase.io.write(path, [molecule("H2O")] * 2, format="extxyz")
    assert [where for where, _ in read_structures(path)] == [
        f"frame 0 of {path}",
        f"frame 1 of {path}",
    ]


def test_memory_does_not_grow_with_the_number_of_frames(tmp_path: Path) -> None:
    def peak(frames: int) -> int:
        path = tmp_path / f"{frames}.extxyz"
        ase.io.write(path, [labelled_water()] * frames, format="extxyz")
        tracemalloc.start()
        gc.collect()  # ASE's atoms and their calculators refer to each other
        count = sum(1 for _ in read_frames(path))
        _, high = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == frames
        return high

    peak(5)  # imports and caches
    assert peak(1500) < 2 * peak(300)


HEADER = "Properties=species:S:1:pos:R:3:forces:R:3"
BAD_FILES = {
    "json": (json.dumps({"energy": -1.0, "forces": [[0, 0, 0]]}), "frame 0 .* extended XYZ"),
    "garbage": ("\x00\x01 not a structure \xff\n" * 5, "extended XYZ"),
    "truncated": (f"3\n{HEADER} energy=-1.0\nH 0 0 0 0 0 0\n", "extended XYZ"),
    "empty": ("", "is empty"),
    "blank": ("\n\n", "extended XYZ|no frame"),
    "plain xyz": ("2\nwater\nH 0 0 0\nH 0 0 1\n", "has no energy"),
    "no energy": (f"1\n{HEADER}\nH 0 0 0 0 0 0\n", "has no energy"),
    "no forces": (
        "1\nProperties=species:S:1:pos:R:3 energy=-1.0\nH 0 0 0\n",
        "has no forces",
    ),
    "nan energy": (f"1\n{HEADER} energy=nan\nH 0 0 0 0 0 0\n", "energy is nan"),
    "text energy": (f"1\n{HEADER} energy=low\nH 0 0 0 0 0 0\n", "one number in eV"),
    "inf force": (f"1\n{HEADER} energy=-1.0\nH 0 0 0 0 inf 0\n", "force on atom 0"),
    "two columns of forces": (
        "1\nProperties=species:S:1:pos:R:3:forces:R:2 energy=-1.0\nH 0 0 0 0 0\n",
        "shape|extended XYZ",
    ),
    "unknown element": (f"1\n{HEADER} energy=-1.0\nQq 0 0 0 0 0 0\n", "extended XYZ"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_file_that_cannot_be_learnt_from_is_refused_by_name(kind: str, tmp_path: Path) -> None:
    text, message = BAD_FILES[kind]
    path = tmp_path / "data.extxyz"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match=message) as refusal:
        list(read_frames(path))
    assert str(path) in str(refusal.value)


def test_the_frame_that_is_wrong_is_named(tmp_path: Path) -> None:
    path = tmp_path / "data.extxyz"
    frames = [labelled_water(), labelled_water(), labelled_water(energy=float("nan"))]
    ase.io.write(path, frames, format="extxyz")
    with pytest.raises(DataError, match="frame 2 of"):
        list(read_frames(path))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.extxyz", tmp_path):
        with pytest.raises(DataError, match="is not a file"):
            list(read_frames(path))
