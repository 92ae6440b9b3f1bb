"""Finding structures and the frames that show them."""

from pathlib import Path

import ase.io
import numpy as np
import pytest

from rgnn_hal.macro import DataError
from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFile
from rgnn_hal.tasks.hamiltonian.lookup import frame_of, read_structure

DATA = Path(__file__).parents[3] / "examples" / "data" / "graphene_4x4_s2p1.h5"


@pytest.mark.parametrize("name", ["one.extxyz", "POSCAR"])
def test_a_structure_is_found_again_through_a_text_file(tmp_path: Path, name: str) -> None:
    with HamiltonianFile(DATA) as file:
        original = file.frame(2)
        moved = original.atoms.copy()
        moved.positions += original.atoms.cell.array[1]
        moved.wrap()
        ase.io.write(tmp_path / name, moved)
        found = frame_of(file, read_structure(tmp_path / name))
    np.testing.assert_array_equal(found.hamiltonian, original.hamiltonian)


def test_a_frame_of_data_is_a_structure_too() -> None:
    with HamiltonianFile(DATA) as file:
        assert read_structure(DATA, 1) == file.frame(1).atoms


def test_a_structure_that_no_frame_shows_is_told_how_far_it_is() -> None:
    with HamiltonianFile(DATA) as file:
        atoms = file.frame(0).atoms
        atoms.positions[3, 1] += 0.05
        with pytest.raises(DataError, match=r"differs by 0\.05"):
            frame_of(file, atoms)
        with pytest.raises(DataError, match="are others"):
            frame_of(file, atoms[1:])


def test_files_without_structures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no 3"):
        read_structure(DATA, 3)
    with pytest.raises(DataError, match="not a file"):
        read_structure(tmp_path / "nothing.xyz")
    (tmp_path / "text.xyz").write_text("nothing of the kind\n")
    with pytest.raises(DataError, match="holds no structure 0"):
        read_structure(tmp_path / "text.xyz")
