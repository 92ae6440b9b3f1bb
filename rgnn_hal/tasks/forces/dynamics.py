"""Molecular dynamics with a forces model, through ASE's integrators.

Without a thermostat (velocity Verlet) the total energy is conserved as far as forces are the exact
gradient of the energy: with the digital twin they are, on a noisy macro they are not, so there the
motion is thermostatted (Langevin), which bath and noise share. The drift is the slope of a straight
line through the total energy over time.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import ase
import numpy as np
from ase import units
from ase.io import write
from ase.md.langevin import Langevin
from ase.md.md import MolecularDynamics
from ase.md.velocitydistribution import Stationary, ZeroRotation
from ase.md.verlet import VelocityVerlet
from numpy.typing import NDArray

from rgnn_hal.macro import LimitError
from rgnn_hal.progress import Progress, silent
from rgnn_hal.tasks.forces.calculator import ForcesCalculator
from rgnn_hal.tasks.forces.model import Predictor

Ensemble = Literal["nve", "langevin"]

_FRICTION = 0.01
"""Of the Langevin bath, 1/fs: it takes up what a noisy force puts in within 100 fs."""


@dataclass(frozen=True)
class Trajectory:
    """What was recorded along a run, at every stored step."""

    time: NDArray[np.float64]
    """ps."""
    potential_energy: NDArray[np.float64]
    """eV."""
    kinetic_energy: NDArray[np.float64]
    """eV."""
    temperature: NDArray[np.float64]
    """K."""
    atoms: int
    seconds: float
    """Wall time of the run."""
    steps: int
    largest_grade: float | None
    """Of any atom at any stored step, see `Predictor.grades`; None if the model has no grades."""
    outsiders: tuple[int, ...]
    """Atoms that were unlike those of the training at any of them."""

    @property
    def energy_drift(self) -> float:
        """Slope of the total energy, eV per atom per ps; NaN with fewer than two records."""
        if len(self.time) < 2:
            return float("nan")
        total = (self.potential_energy + self.kinetic_energy) / self.atoms
        return float(np.polyfit(self.time, total, 1)[0])


def run_dynamics(
    predictor: Predictor,
    start: ase.Atoms,
    out: Path,
    *,
    temperature: float,
    steps: int,
    ensemble: Ensemble = "nve",
    timestep: float = 0.5,
    stride: int = 10,
    seed: int = 0,
    progress: Progress = silent,
) -> Trajectory:
    """Move `start` for `steps` steps and append every `stride`-th to `out` (extended XYZ).

    Args:
        predictor: model joined to its twin or to a macro.
        start: positions and cell; velocities are drawn.
        out: replaced at the start; after Ctrl-C it holds every frame until then.
        temperature: of the velocities that are drawn, and of the Langevin bath, K.
        steps: how many.
        ensemble: "nve" or "langevin".
        timestep: fs.
        stride: steps between records.
        seed: of velocities and bath.
        progress: told at every record.

    Raises:
        LimitError: temperature, steps, timestep or stride make no sense.
        DataError: the structure is or becomes one that the model cannot describe.
    """
    if not (temperature > 0 and timestep > 0 and steps > 0 and stride > 0):
        raise LimitError(
            f"temperature {temperature} K, timestep {timestep} fs, {steps} steps and stride "
            f"{stride} must all be positive"
        )
    atoms = start.copy()
    calculator = ForcesCalculator(predictor, check_every=stride)
    atoms.calc = calculator
    rng = np.random.default_rng(seed)
    spread = np.sqrt(atoms.get_masses() * units.kB * temperature)  # Maxwell and Boltzmann
    atoms.set_momenta(spread[:, None] * rng.standard_normal((len(atoms), 3)))
    Stationary(atoms)
    if not atoms.pbc.any():
        ZeroRotation(atoms)
    atoms.get_forces()  # a structure that cannot be described fails before `out` is touched
    motion: MolecularDynamics = (
        VelocityVerlet(atoms, timestep * units.fs)
        if ensemble == "nve"
        else Langevin(
            atoms,
            timestep * units.fs,
            temperature_K=temperature,
            friction=_FRICTION / units.fs,
            rng=rng,
            fixcm=False,  # fixing it does not sample the canonical distribution
        )
    )
    records: list[tuple[float, float, float, float]] = []
    began = time.perf_counter()
    with out.open("w") as file:

        def record() -> None:
            write(file, atoms, format="extxyz")
            file.flush()
            records.append(
                (
                    motion.get_time() / (1e3 * units.fs),
                    atoms.get_potential_energy(),
                    atoms.get_kinetic_energy(),
                    atoms.get_temperature(),
                )
            )
            progress(motion.nsteps, steps, "moving")

        motion.attach(record, interval=stride)
        motion.run(steps)
    seconds = time.perf_counter() - began
    times, potential, kinetic, temperatures = np.array(records).T
    return Trajectory(
        times,
        potential,
        kinetic,
        temperatures,
        len(atoms),
        seconds,
        steps,
        calculator.largest_grade,
        tuple(sorted(calculator.outsiders)),
    )
