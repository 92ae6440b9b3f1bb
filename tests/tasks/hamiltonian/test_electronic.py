"""Bands, Fermi level and density of states together, in a value and in a picture."""

from dataclasses import replace
from pathlib import Path

import ase
import numpy as np
import pytest

from rgnn_hal.macro import DataError
from rgnn_hal.report import bands_plot
from rgnn_hal.tasks.hamiltonian import electronic
from rgnn_hal.tasks.hamiltonian.bands import band_path
from rgnn_hal.tasks.hamiltonian.electronic import (
    ElectronicStructure,
    band_errors,
    count_electrons,
    electronic_structure,
    valence_electrons,
)
from rgnn_hal.tasks.hamiltonian.filling import FermiDirac, fermi_level, wave_vector_grid
from tests.tasks.hamiltonian.tight_binding import chain, graphene

GRID = wave_vector_grid((6, 6, 1))


def structure_of_graphene(repeats: int = 1, hopping: float = -0.1) -> ElectronicStructure:
    crystal = graphene(hopping).repeated((repeats, repeats, 1))
    path = band_path(crystal.lattice, "GKMG", 40)
    return electronic_structure(crystal, path, GRID, 2.0 * repeats**2)


def test_the_gap_of_graphene_closes_at_k() -> None:
    found = structure_of_graphene()
    assert found.gap == pytest.approx(0.0, abs=1e-9)
    assert found.levels.min() < 0 < found.levels.max()
    below = found.dos_energy < found.fermi_level
    filled = np.trapezoid(found.dos[below], found.dos_energy[below])
    assert filled == pytest.approx(2.0, abs=0.02)


def test_electrons_that_fill_no_whole_band_leave_no_gap() -> None:
    crystal = chain()
    path = band_path(np.diag([2.0, 9, 9]), "GX", 20)
    found = electronic_structure(crystal, path, wave_vector_grid((8, 1, 1)), 0.7)
    assert found.gap is None


def test_large_crystals_are_sliced_and_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    crystal = graphene().repeated((6, 6, 1))
    path, grid = band_path(crystal.lattice, "GM", 8), wave_vector_grid((2, 2, 1))
    whole = electronic_structure(crystal, path, grid, 72)
    monkeypatch.setattr(electronic, "DENSE_LIMIT", 10)
    sliced = electronic_structure(crystal, path, grid, 72, count=16)
    sharp = fermi_level(crystal.energies(grid.points), grid.weights, 72)
    assert sliced.fermi_level == pytest.approx(sharp, abs=1e-9)
    assert sliced.dos.size == 0
    assert sliced.gap == pytest.approx(whole.gap, abs=1e-9)
    errors = band_errors(replace(sliced, fermi_level=whole.fermi_level), whole)
    assert errors.largest < 1e-9


def test_errors_of_bands_ignore_a_common_shift_and_see_everything_else() -> None:
    reference = structure_of_graphene()
    shifted = replace(
        reference,
        bands=replace(reference.bands, energies=reference.bands.energies + 0.3),
        fermi_level=reference.fermi_level + 0.3,
    )
    assert band_errors(shifted, reference).largest < 1e-12
    wider = structure_of_graphene(hopping=-0.11)
    errors = band_errors(wider, reference)
    assert errors.bands == 2
    assert 0 < errors.mean < errors.largest
    expected = np.abs(wider.levels - reference.levels).max()
    assert errors.largest == pytest.approx(expected)


def test_bands_of_other_paths_are_not_compared() -> None:
    with pytest.raises(DataError, match="different paths"):
        band_errors(structure_of_graphene(), structure_of_graphene(repeats=2))


def test_electrons_are_counted_from_a_chemical_potential() -> None:
    crystal = graphene()
    assert count_electrons(crystal, GRID, 0.0) == 2
    with pytest.raises(DataError, match="no whole number"):
        count_electrons(crystal, GRID, -0.15, FermiDirac(300))


@pytest.mark.parametrize(
    ("formula", "electrons"), [("C32", 128), ("H2O", 8), ("BN", 8), ("SiF4", 32), ("ArHe", 10)]
)
def test_valence_electrons_are_the_outermost_shell_s(formula: str, electrons: int) -> None:
    assert valence_electrons(ase.Atoms(formula).numbers) == electrons


@pytest.mark.parametrize("formula", ["Li", "Mg", "Fe", "K", "Br"])
def test_elements_with_semicore_electrons_must_be_counted_by_hand(formula: str) -> None:
    with pytest.raises(DataError, match=f"{formula} .*--electrons"):
        valence_electrons(ase.Atoms(formula).numbers)


def test_the_plot_says_units_and_stations(tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    drawn: list[Figure] = []
    original = Figure.savefig

    def keep(self: Figure, *args: object, **options: object) -> None:
        drawn.append(self)
        original(self, *args, **options)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", keep)
        plot = bands_plot(
            structure_of_graphene(hopping=-0.11),
            tmp_path / "deep" / "bands.png",
            title="graphene",
            reference=structure_of_graphene(),
        )
    assert plot.read_bytes().startswith(b"\x89PNG")
    (figure,) = drawn
    left, right = figure.axes
    assert "eV" in left.get_ylabel()
    assert "states/eV" in right.get_xlabel()
    assert [tick.get_text() for tick in left.get_xticklabels()] == ["Γ", "K", "M", "Γ"]
    legend = left.get_legend()
    assert legend is not None
    assert {text.get_text() for text in legend.get_texts()} == {"reference", "predicted"}
    drawn_levels = np.asarray(left.get_lines()[0].get_ydata(), dtype=np.float64)
    expected = 27.2114 * structure_of_graphene().levels[:, 0]
    np.testing.assert_allclose(drawn_levels, expected, rtol=1e-5, atol=1e-5)


def test_a_structure_without_density_of_states_is_drawn_too(tmp_path: Path) -> None:
    nothing = np.zeros(0)
    found = replace(structure_of_graphene(), dos=nothing, dos_energy=nothing)
    assert bands_plot(found, tmp_path / "bands.png", title="sliced").is_file()
