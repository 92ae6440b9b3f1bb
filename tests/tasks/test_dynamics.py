"""A forces model as an ASE calculator, and molecular dynamics with it."""

from pathlib import Path

import ase
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read, write
from ase.stress import full_3x3_to_voigt_6_stress

from rgnn_hal import open_macro
from rgnn_hal.macro import LimitError
from rgnn_hal.tasks.forces import ForcesCalculator, ForcesRecipe, run_dynamics, train_forces
from rgnn_hal.tasks.forces.model import ForcesModel

URI = "emulator://?seed=3"


@pytest.fixture(scope="module")
def copper() -> ase.Atoms:
    atoms: ase.Atoms = bulk("Cu", cubic=True, a=3.65) * (2, 1, 1)
    return atoms


@pytest.fixture(scope="module")
def model(copper: ase.Atoms, tmp_path_factory: pytest.TempPathFactory) -> ForcesModel:
    """Trained on rattled and strained copper, labelled by effective-medium theory."""
    path = tmp_path_factory.mktemp("data") / "copper.extxyz"
    rng = np.random.default_rng(0)
    frames = []
    for _ in range(40):
        atoms = copper.copy()
        strain = np.eye(3) + rng.normal(scale=0.02, size=(3, 3))
        atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
        atoms.positions += rng.normal(scale=0.15, size=(8, 3))
        atoms.calc = EMT()
        atoms.get_forces()
        frames.append(atoms)
    write(path, frames, format="extxyz")
    recipe = ForcesRecipe(channels=8, cutoff=4.0, lmax=2, radial=6, reads=16)
    with open_macro(URI) as macro:
        return train_forces(path, macro, recipe, macro_uri=URI).model


def rattled(atoms: ase.Atoms) -> ase.Atoms:
    moved: ase.Atoms = atoms.copy()
    moved.positions += np.random.default_rng(7).normal(scale=0.1, size=(len(atoms), 3))
    return moved


def test_stress_is_the_strain_derivative_of_the_energy(
    copper: ase.Atoms, model: ForcesModel
) -> None:
    atoms = rattled(copper)
    atoms.calc = ForcesCalculator(model.on_twin())
    numerical = np.zeros((3, 3))
    step = 1e-5
    for i, j in np.ndindex(3, 3):
        energies = []
        for sign in (1, -1):
            strain = np.eye(3)
            strain[i, j] += sign * step
            strained = atoms.copy()
            strained.set_cell(atoms.cell.array @ strain.T, scale_atoms=True)
            energies.append(model.on_twin().predict(strained).energy)
        numerical[i, j] = (energies[0] - energies[1]) / (2 * step * atoms.get_volume())
    expected = full_3x3_to_voigt_6_stress(numerical)
    assert atoms.get_stress() == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_the_twin_conserves_energy(copper: ase.Atoms, model: ForcesModel, tmp_path: Path) -> None:
    out = tmp_path / "nve.extxyz"
    result = run_dynamics(
        model.on_twin(), rattled(copper), out, temperature=300, steps=400, timestep=1.0, stride=10
    )
    total = (result.potential_energy + result.kinetic_energy) / result.atoms
    assert np.ptp(total) < 0.02 * result.kinetic_energy.mean() / result.atoms
    assert abs(result.energy_drift) < 1e-4
    frames = read(out, ":")
    assert len(frames) == len(result.time) == 41
    assert result.time[-1] == pytest.approx(0.4)


def test_the_bath_holds_the_temperature_on_a_noisy_chip(
    copper: ase.Atoms, model: ForcesModel, tmp_path: Path
) -> None:
    with open_macro(URI) as macro:
        result = run_dynamics(
            model.on_macro(macro),
            copper,
            tmp_path / "nvt.extxyz",
            temperature=300,
            steps=600,
            ensemble="langevin",
            timestep=2.0,
        )
    # 8 atoms fluctuate by 300 K sqrt(2 / 24) around the mean, and 1.2 ps hold a few such times.
    assert 180 < result.temperature[len(result.temperature) // 3 :].mean() < 420


def test_a_run_repeats_from_its_seed(copper: ase.Atoms, model: ForcesModel, tmp_path: Path) -> None:
    runs = [
        run_dynamics(
            model.on_twin(), copper, tmp_path / f"{n}.extxyz", temperature=300, steps=20, seed=5
        )
        for n in range(2)
    ]
    assert np.array_equal(runs[0].potential_energy, runs[1].potential_energy)


@pytest.mark.parametrize(
    "wrong", [{"temperature": -1.0}, {"steps": 0}, {"timestep": 0.0}, {"stride": 0}]
)
def test_senseless_settings_are_refused_before_the_file_is_touched(
    copper: ase.Atoms, model: ForcesModel, tmp_path: Path, wrong: dict[str, float]
) -> None:
    settings = {"temperature": 300.0, "steps": 10} | wrong
    out = tmp_path / "out.extxyz"
    with pytest.raises(LimitError):
        run_dynamics(model.on_twin(), copper, out, **settings)  # type: ignore[arg-type]
    assert not out.exists()
