"""Pictures of molecular dynamics: energy conservation and temperature."""

from pathlib import Path

from rgnn_hal.report.figure import new_figure, save_figure
from rgnn_hal.tasks.forces import Trajectory


def dynamics_plot(trajectory: Trajectory, path: Path) -> Path:
    """Total energy per atom, relative to the start, and temperature over time."""
    drift = 1e3 * trajectory.energy_drift
    figure, (energy, temperature) = new_figure(2, f"drift {drift:.3g} meV/atom/ps")
    total = trajectory.potential_energy + trajectory.kinetic_energy
    energy.plot(trajectory.time, 1e3 * (total - total[0]) / trajectory.atoms)
    energy.set(xlabel="time (ps)", ylabel="total energy - start (meV/atom)")
    temperature.plot(trajectory.time, trajectory.temperature)
    temperature.set(xlabel="time (ps)", ylabel="temperature (K)")
    return save_figure(figure, path)
