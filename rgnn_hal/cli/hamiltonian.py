"""Commands of Hamiltonians: bands."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rgnn_hal.cli.models import Macro, Model, Reads, Twin, joined, use_one_torch_thread
from rgnn_hal.cli.output import Json, print_result, progress_bar
from rgnn_hal.macro import ConfigurationError, DataError

if TYPE_CHECKING:
    from ase import Atoms

    from rgnn_hal.tasks.hamiltonian import HamiltonianModel
    from rgnn_hal.tasks.hamiltonian.crystal import Crystal
    from rgnn_hal.tasks.hamiltonian.electronic import ElectronicStructure


def bands(
    model: Model,
    structure: Annotated[
        Path, typer.Argument(help="A crystal: any file that ASE reads, or HDF5 data.")
    ],
    path: Annotated[str, typer.Option("--path", help="Points of high symmetry, as in GKMG.")],
    out: Annotated[Path, typer.Option("--out", help="Picture, PNG.")],
    reference: Annotated[
        Path | None, typer.Option(help="HDF5 data with a frame of the same structure.")
    ] = None,
    frame: Annotated[int, typer.Option(help="Which structure of the file.", min=0)] = 0,
    electrons: Annotated[
        float | None,
        typer.Option(help="Per cell; by default as the reference, the training data, or valence."),
    ] = None,
    points: Annotated[int, typer.Option(help="Wave vectors on the path.", min=2)] = 120,
    spacing: Annotated[float, typer.Option(help="Of the grid for the Fermi level, 1/Å.")] = 0.15,
    temperature: Annotated[float, typer.Option(help="Of the electrons, K.")] = 300.0,
    macro: Macro = None,
    twin: Twin = False,
    reads: Reads = None,
    json: Json = False,
) -> None:
    """Draw a crystal's bands and density of states, over a reference's if there is one."""
    from rgnn_hal.report import bands_plot
    from rgnn_hal.report.figure import require_matplotlib
    from rgnn_hal.tasks.hamiltonian import load_model
    from rgnn_hal.tasks.hamiltonian.bands import band_path
    from rgnn_hal.tasks.hamiltonian.crystal import Crystal
    from rgnn_hal.tasks.hamiltonian.electronic import electronic_structure, valence_electrons
    from rgnn_hal.tasks.hamiltonian.filling import FermiDirac, grid_of_spacing
    from rgnn_hal.tasks.hamiltonian.lookup import read_structure

    require_matplotlib()
    begin = time.monotonic()
    loaded = load_model(model)
    atoms = read_structure(structure, frame)
    _check(loaded, model, atoms, structure)
    a, b, c = (bool(along) for along in atoms.pbc)
    periodic = (a, b, c)
    line = band_path(atoms.cell.array, path, points, periodic)
    grid = grid_of_spacing(atoms.cell.array, spacing, periodic)
    smearing = FermiDirac(temperature)
    # What the reference lacks is told before anything heavy starts.
    truth, counted = _reference(reference, atoms) if reference is not None else (None, None)
    labels = loaded.filling
    learnt = labels.electrons_of(atoms.numbers) if labels is not None else None
    filled = electrons or counted or learnt or valence_electrons(atoms.numbers)

    use_one_torch_thread()
    with (
        progress_bar() as progress,
        joined(loaded, macro, twin, reads, progress) as (
            predictor,
            name,
        ),
    ):
        predicted = predictor.predict(atoms, where=str(structure))
    crystal = Crystal.from_frame(predicted, loaded.basis)
    guess = labels.level if labels is not None else 0.0
    found = electronic_structure(crystal, line, grid, filled, smearing=smearing, guess=guess)
    expected = None
    if truth is not None:
        expected = electronic_structure(
            truth, line, grid, filled, smearing=smearing, guess=found.fermi_level
        )
    bands_plot(found, out, title=f"{atoms.get_chemical_formula()}, {name}", reference=expected)
    summary = {
        "out": str(out),
        "path": path,
        "atoms": len(atoms),
        "orbitals": crystal.size,
        "bands": found.bands.energies.shape[1],
        "wave_vectors": len(line.points),
        "electrons": filled,
        "macro": name,
        "seconds": time.monotonic() - begin,
    }
    print_result({**summary, **_figures(found, expected)}, json)


def _check(loaded: "HamiltonianModel", model: Path, atoms: "Atoms", structure: Path) -> None:
    if not loaded.periodic:
        raise ConfigurationError(f"{model} was trained on molecules, which have no bands")
    if not atoms.pbc.any():
        raise DataError(f"{structure} is not periodic; bands need a cell and pbc")


def _reference(path: Path, atoms: "Atoms") -> "tuple[Crystal, int | None]":
    """The crystal in the data that shows these atoms, and its electrons if the data tell."""
    from rgnn_hal.tasks.hamiltonian.crystal import Crystal
    from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFile
    from rgnn_hal.tasks.hamiltonian.electronic import count_electrons
    from rgnn_hal.tasks.hamiltonian.filling import wave_vector_grid
    from rgnn_hal.tasks.hamiltonian.lookup import frame_of

    with HamiltonianFile(path) as file:
        shown = frame_of(file, atoms)
        crystal = Crystal.from_frame(shown, file.basis)
        if shown.chemical_potential is None:
            return crystal, None
        grid = wave_vector_grid(file.k_grid)
        return crystal, count_electrons(crystal, grid, shown.chemical_potential)


def _figures(
    found: "ElectronicStructure", reference: "ElectronicStructure | None"
) -> dict[str, float | int | None]:
    """Levels in eV; what separates them from the reference's in meV."""
    from rgnn_hal.tasks.hamiltonian.electronic import band_errors
    from rgnn_hal.tasks.hamiltonian.filling import HARTREE_EV

    def in_ev(energy: float | None) -> float | None:
        return None if energy is None else HARTREE_EV * energy

    figures: dict[str, float | int | None] = {
        "fermi_level_ev": in_ev(found.fermi_level),
        "gap_ev": in_ev(found.gap),
    }
    if reference is None:
        return figures
    errors = band_errors(found, reference)
    return {
        **figures,
        "reference_fermi_level_ev": in_ev(reference.fermi_level),
        "reference_gap_ev": in_ev(reference.gap),
        "band_mae_mev": 1e3 * HARTREE_EV * errors.mean,
        "band_max_error_mev": 1e3 * HARTREE_EV * errors.largest,
        "compared_bands": errors.bands,
    }
