"""Exports: round trips, and that the files say in their own format what the matrices are."""

import json
from pathlib import Path

import ase
import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rgnn_hal.macro import DataError
from rgnn_hal.tasks.hamiltonian.crystal import Crystal
from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFile, HamiltonianFrame
from rgnn_hal.tasks.hamiltonian.export import read_deeph, write_deeph, write_molecules
from rgnn_hal.tasks.hamiltonian.filling import HARTREE_EV
from rgnn_hal.tasks.hamiltonian.guess import overlap_of_molecule, pyscf_molecule
from rgnn_hal.tasks.hamiltonian.orbitals import Convention, OrbitalBasis
from tests.tasks.hamiltonian.tight_binding import pair_list

BASIS = {6: (0, 0, 1, 2), 1: (0, 1), 8: (0, 1, 1)}


def random_frame(
    seed: int, convention: Convention, *, crystal: bool = True
) -> tuple[HamiltonianFrame, OrbitalBasis]:
    rng = np.random.default_rng(seed)
    basis = OrbitalBasis(BASIS, convention)
    atoms = ase.Atoms("CHO", positions=rng.uniform(0, 3, (3, 3)))
    rows = [(i, j, (0, 0, 0)) for i in range(3) for j in range(i, 3)]
    if crystal:
        atoms.set_cell(np.eye(3) * 5 + rng.uniform(-1, 1, (3, 3)))
        atoms.pbc = True
        rows += [(i, j, (0, 1, -2)) for i in range(3) for j in range(3)] + [(1, 1, (1, 0, 0))]
    pairs = pair_list(rows)
    sizes = np.array([basis.size(int(z)) for z in atoms.numbers])
    used = np.arange(basis.largest) < sizes[:, None]
    present = used[pairs.first][:, :, None] & used[pairs.second][:, None, :]
    own = pairs.on_site[:, None, None]

    def blocks() -> np.ndarray:
        values = rng.normal(size=(len(rows), basis.largest, basis.largest))
        return np.where(present, np.where(own, values + values.swapaxes(1, 2), values), 0.0)

    return HamiltonianFrame(atoms, pairs, blocks(), blocks(), "a frame"), basis


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 999), st.sampled_from(Convention))
def test_a_deeph_folder_holds_the_crystal(
    tmp_path: Path, seed: int, convention: Convention
) -> None:
    frame, basis = random_frame(seed, convention)
    write_deeph(tmp_path, frame, basis, fermi_level=-0.2)
    again, openmx, level = read_deeph(tmp_path)
    assert level == pytest.approx(-0.2)
    np.testing.assert_allclose(again.atoms.cell.array, frame.atoms.cell.array, atol=1e-14)
    np.testing.assert_allclose(again.atoms.positions, frame.atoms.positions, atol=1e-14)
    k = (0.1, 0.2, -0.3)
    before = Crystal.from_frame(frame, basis).hamiltonian.dense(k)[0]
    after = Crystal.from_frame(again, openmx).hamiltonian.dense(k)[0]
    np.testing.assert_allclose(np.linalg.eigvalsh(after), np.linalg.eigvalsh(before), atol=1e-12)
    if convention is Convention.OPENMX:
        np.testing.assert_allclose(after, before, atol=1e-13)
        np.testing.assert_allclose(
            Crystal.from_frame(again, openmx).overlap.dense(k),
            Crystal.from_frame(frame, basis).overlap.dense(k),
            atol=1e-13,
        )


def test_deeph_files_say_what_their_format_asks_for(tmp_path: Path) -> None:
    frame, basis = random_frame(1, Convention.OPENMX)
    write_deeph(tmp_path, frame, basis, fermi_level=0.5)
    np.testing.assert_allclose(np.loadtxt(tmp_path / "lat.dat").T, frame.atoms.cell.array)
    lattice, reciprocal = (np.loadtxt(tmp_path / name) for name in ("lat.dat", "rlat.dat"))
    np.testing.assert_allclose(reciprocal.T @ lattice, 2 * np.pi * np.eye(3), atol=1e-12)
    assert np.loadtxt(tmp_path / "site_positions.dat").shape == (3, 3)
    assert np.loadtxt(tmp_path / "element.dat").tolist() == [6, 1, 8]
    lines = (tmp_path / "orbital_types.dat").read_text().splitlines()
    assert [line.split() for line in lines] == [["0", "0", "1", "2"], ["0", "1"], ["0", "1", "1"]]
    info = json.loads((tmp_path / "info.json").read_text())
    assert info["isspinful"] is False
    assert info["fermi_level"] == pytest.approx(0.5 * HARTREE_EV)
    with h5py.File(tmp_path / "hamiltonians.h5") as file:
        # Atoms count from one, energies are in eV, both halves are there.
        edge = next(
            index
            for index, row in enumerate(zip(frame.pairs.first, frame.pairs.second, strict=True))
            if row == (0, 1) and frame.pairs.shift[index].tolist() == [0, 1, -2]
        )
        stored = file["[0, 1, -2, 1, 2]"][()]
        np.testing.assert_allclose(stored, HARTREE_EV * frame.hamiltonian[edge, :10, :4])
        np.testing.assert_array_equal(file["[0, -1, 2, 2, 1]"][()], stored.T)
        assert len(file) == 2 * len(frame.pairs) - 3


def test_what_is_no_deeph_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"lat\.dat.* missing"):
        read_deeph(tmp_path)
    frame, basis = random_frame(1, Convention.OPENMX, crystal=False)
    with pytest.raises(DataError, match="no cell"):
        write_deeph(tmp_path, frame, basis)
    frame, basis = random_frame(1, Convention.OPENMX)
    write_deeph(tmp_path, frame, basis)
    (tmp_path / "orbital_types.dat").write_text("0\n0 1\n0 1 1\n")
    with pytest.raises(DataError, match=r"is \(10, 10\), the orbitals say \(1, 1\)"):
        read_deeph(tmp_path)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 999), st.sampled_from(Convention))
def test_a_molecules_file_reads_back_in_pyscf_s_order(
    tmp_path: Path, seed: int, convention: Convention
) -> None:
    frame, basis = random_frame(seed, convention, crystal=False)
    write_molecules(tmp_path / "out.h5", [frame, frame], basis)
    with HamiltonianFile(tmp_path / "out.h5") as file:
        assert len(file) == 2
        assert file.basis == OrbitalBasis(basis.shells, Convention.PYSCF)
        again = file.frame(1)
    np.testing.assert_array_equal(again.atoms.positions, frame.atoms.positions)
    assert list(tmp_path.iterdir()) == [tmp_path / "out.h5"]
    with h5py.File(tmp_path / "out.h5") as file:
        h = file["H"][0]
        np.testing.assert_array_equal(h, h.T)
        labels = [label.decode().split() for label in file["ao_labels"][:10]]
    # Carbon's first p orbital, px, wherever the convention keeps it.
    assert labels[2] == ["0", "C", "2px"]
    stored = basis.to_standard(6)[2 + 2]
    assert h[2, 2] == frame.hamiltonian[0, stored, stored]


def test_labels_and_order_are_those_of_pyscf(tmp_path: Path) -> None:
    atoms = ase.Atoms("OHH", positions=[[0, 0, 0.1], [0.3, 0.7, -0.5], [0.1, -0.8, -0.5]])
    molecule = pyscf_molecule(atoms, "def2-svp")
    basis = OrbitalBasis({8: (0, 0, 0, 1, 1, 2), 1: (0, 0, 1)}, Convention.OPENMX)
    pairs = pair_list([(i, j, (0, 0, 0)) for i in range(3) for j in range(i, 3)])
    blocks = np.zeros((6, 14, 14))
    frame = HamiltonianFrame(atoms, pairs, blocks, blocks, "water")
    write_molecules(tmp_path / "out.h5", [frame], basis)
    with h5py.File(tmp_path / "out.h5") as file:
        assert [label.decode() for label in file["ao_labels"]] == molecule.ao_labels()


def test_the_overlap_of_a_molecule_is_that_of_the_data() -> None:
    path = Path(__file__).parents[3].parent / "shared" / "data" / "molecules" / "water.h5"
    if not path.is_file():
        pytest.skip(f"the reference data are not at {path}")
    with HamiltonianFile(path) as file, h5py.File(path) as raw:
        overlap = overlap_of_molecule(file.frame(3).atoms, "def2-svp")
        np.testing.assert_allclose(overlap, raw["S"][3], atol=1e-9)


def test_frames_of_different_molecules_do_not_share_a_file(tmp_path: Path) -> None:
    frame, basis = random_frame(1, Convention.PYSCF, crystal=False)
    alone = pair_list([(0, 0, (0, 0, 0))])
    blocks = frame.hamiltonian[:1]
    other = HamiltonianFrame(ase.Atoms("C"), alone, blocks, blocks, "carbon")
    for frames in ([], [frame, other]):
        with pytest.raises(DataError, match="one molecule"):
            write_molecules(tmp_path / "out.h5", frames, basis)
    assert not list(tmp_path.iterdir())
