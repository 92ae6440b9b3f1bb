"""A Hamiltonian as the start of PySCF: the exact one converges at once, a bad one is refused."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from pyscf import dft

from rgnn_hal.macro import DataError
from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFile
from rgnn_hal.tasks.hamiltonian.guess import cycles, initial_density, pyscf_molecule

WATER = Path(__file__).parents[3].parent / "shared" / "data" / "molecules" / "water.h5"


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_the_converged_hamiltonian_saves_most_cycles() -> None:
    if not WATER.is_file():
        pytest.skip(f"the reference data are not at {WATER}")
    with HamiltonianFile(WATER) as file, h5py.File(WATER) as raw:
        molecule = pyscf_molecule(file.frame(0).atoms, "def2-svp")
        hamiltonian, energy = raw["H"][0], raw["energy"][0]

    def fresh() -> dft.rks.RKS:
        return dft.RKS(molecule, xc="pbe,pbe").set(grids_level=1, conv_tol=1e-9)

    start = initial_density(fresh(), hamiltonian)
    assert np.trace(start @ fresh().get_ovlp()) == pytest.approx(10)
    ours, theirs = fresh(), fresh()
    assert cycles(ours, start) <= cycles(theirs) - 4
    assert ours.e_tot == pytest.approx(theirs.e_tot, abs=1e-7)
    # A coarser grid than the data's, to be quick.
    assert ours.e_tot == pytest.approx(energy, abs=1e-3)


def test_open_shells_have_no_single_hamiltonian() -> None:
    from ase import Atoms

    molecule = pyscf_molecule(Atoms("H"), "def2-svp", spin=1)
    with pytest.raises(DataError, match="closed shell"):
        initial_density(dft.RKS(molecule), np.eye(5))


def test_a_hamiltonian_of_another_basis_is_refused() -> None:
    from ase import Atoms

    molecule = pyscf_molecule(Atoms("He"), "def2-svp")
    with pytest.raises(DataError, match="one basis"):
        initial_density(dft.RKS(molecule), np.eye(3))
