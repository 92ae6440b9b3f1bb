"""First principles are what they are elsewhere, and their absence is told."""

import sys
from pathlib import Path

import ase
import numpy as np
import pytest

from rgnn_hal.macro import ConfigurationError
from rgnn_hal.reproduction.cell import Missing
from rgnn_hal.reproduction.context import Context
from rgnn_hal.reproduction.first_principles import (
    WATER,
    basis_functions,
    calculate,
    coupled_clusters,
    matrix_rate,
)
from rgnn_hal.reproduction.molecules import hydrogen_chain, water_cluster
from rgnn_hal.reproduction.settings import QUICK


def test_forces_are_minus_the_slope_of_the_energy() -> None:
    pytest.importorskip("pyscf", reason="the extra 'reference' is not installed")
    hydrogen, step = ase.Atoms("H2", positions=[[0, 0, 0], [0, 0, 0.8]]), 1e-3
    here = calculate(hydrogen, "sto-3g")
    energies = []
    for sign in (1, -1):
        moved = hydrogen.copy()
        moved.positions[1, 2] += sign * step
        energies.append(calculate(moved, "sto-3g").energy)
    slope = (energies[0] - energies[1]) / (2 * step)
    assert here.forces[1, 2] == pytest.approx(-slope, abs=5e-3)
    np.testing.assert_allclose(here.forces.sum(axis=0), 0, atol=1e-2)
    assert 0 < here.scf.cpu < here.whole.cpu and 0 < here.scf.wall < here.whole.wall


def test_two_electrons_are_solved_exactly_in_their_basis() -> None:
    pytest.importorskip("pyscf", reason="the extra 'reference' is not installed")
    from pyscf import fci, gto, scf

    molecule = gto.M(atom="H 0 0 0; H 0 0 1.7", unit="bohr", basis="cc-pvdz", verbose=0)
    expected = fci.FCI(scf.RHF(molecule).run()).kernel()[0]
    found = coupled_clusters("H 0 0 0; H 0 0 1.7", "cc-pvdz")
    assert found == pytest.approx(expected, abs=1e-6)


def test_hydrogen_in_a_large_basis_has_its_known_energy() -> None:
    pytest.importorskip("pyscf", reason="the extra 'reference' is not installed")
    energy = coupled_clusters("H 0 0 0; H 0 0 1.4", "cc-pvtz")
    assert -1.17447 < energy == pytest.approx(-1.17447, abs=3e-3)


def test_more_electrons_get_triples_too() -> None:
    pytest.importorskip("pyscf", reason="the extra 'reference' is not installed")
    from pyscf import fci, gto, scf

    chain = hydrogen_chain(4)
    field = scf.RHF(gto.M(atom=chain, unit="bohr", basis="sto-3g", verbose=0)).run()
    found = coupled_clusters(chain, "sto-3g")
    # What quadruples add to four electrons is small against the correlation.
    assert found == pytest.approx(fci.FCI(field).kernel()[0], abs=1e-3)
    assert found < field.e_tot - 0.05


def test_the_size_of_a_basis_needs_no_calculation() -> None:
    pytest.importorskip("pyscf", reason="the extra 'reference' is not installed")
    assert basis_functions(water_cluster(8), "def2-svp") == 8 * 24


def test_a_processor_multiplies_matrices() -> None:
    assert matrix_rate(64, seconds=0.01) > 1e6


def test_without_pyscf_the_cells_say_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyscf", None)
    found = Context(QUICK, tmp_path).first_principles(WATER)
    assert isinstance(found, Missing)
    assert found.reason.startswith("not measured: needs PySCF")
    assert "pip install 'rgnn-hal[reference]'" in found.reason
    with pytest.raises(ConfigurationError, match="pip install"):
        coupled_clusters("H 0 0 0; H 0 0 1.4", "sto-3g")
