"""Train the Hamiltonian of a molecule through a simulated chip, and test it on unseen frames.

Run: python examples/train_hamiltonian.py
"""

import tempfile
from pathlib import Path

import h5py

from rgnn_hal import open_macro
from rgnn_hal.tasks.hamiltonian import (
    HamiltonianRecipe,
    evaluate_hamiltonian,
    train_hamiltonian,
)
from rgnn_hal.tasks.hamiltonian.filling import HARTREE_EV

DATA = Path(__file__).parent / "data" / "water_def2svp.h5"
CHIP = "emulator://?seed=1&exact=true"


def main() -> None:
    recipe = HamiltonianRecipe(channels=16, lmax=3)
    with tempfile.TemporaryDirectory() as folder, open_macro(CHIP) as macro:
        early, late = Path(folder) / "early.h5", Path(folder) / "late.h5"
        cut(early, slice(0, 60))
        cut(late, slice(60, None))
        result = train_hamiltonian(early, macro, recipe)
        errors = evaluate_hamiltonian(result.model.on_macro(macro), late)
    print(
        f"{result.frozen_parameters} frozen and {result.trained_parameters} trained parameters, "
        f"{result.seconds:.0f} s; later frames: H {1e6 * errors.hamiltonian_mae:.1f} µhartree, "
        f"occupied levels {1e3 * HARTREE_EV * errors.occupied_energy_mae:.2f} meV"
    )


def cut(path: Path, frames: slice) -> None:
    """Some frames of the data as a file of their own."""
    with h5py.File(DATA) as source, h5py.File(path, "w") as file:
        count = len(source["R"])
        for name, values in source.items():
            file[name] = values[frames] if len(values) == count else values[()]


if __name__ == "__main__":
    main()
