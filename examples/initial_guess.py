"""Start PySCF from a Hamiltonian that was learnt through a simulated chip, and count the cycles.

Run: python examples/initial_guess.py    (needs the extra `reference`)
"""

import tempfile
from pathlib import Path

from pyscf import dft

from rgnn_hal import open_macro
from rgnn_hal.tasks.hamiltonian import HamiltonianFile, HamiltonianRecipe, train_hamiltonian
from rgnn_hal.tasks.hamiltonian.dense import dense_of_blocks
from rgnn_hal.tasks.hamiltonian.export import write_molecules
from rgnn_hal.tasks.hamiltonian.guess import cycles, initial_density, pyscf_molecule

DATA = Path(__file__).parent / "data" / "water_def2svp.h5"
HELD_OUT = 5
"""Geometries at the end of the trajectory."""


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="water-"))
    with HamiltonianFile(DATA) as file:
        frames, basis = list(file), file.basis
    write_molecules(folder / "known.h5", frames[:-HELD_OUT], basis)
    with open_macro("emulator://?seed=1&exact=true") as macro:
        recipe = HamiltonianRecipe(channels=24)
        model = train_hamiltonian(folder / "known.h5", macro, recipe).model
        predicted = [model.on_macro(macro).predict(frame.atoms) for frame in frames[-HELD_OUT:]]

    for frame in predicted:
        molecule = pyscf_molecule(frame.atoms, "def2-svp")
        hamiltonian = dense_of_blocks(frame.hamiltonian, basis, frame.atoms.numbers, frame.pairs)
        calculation = dft.RKS(molecule, xc="pbe,pbe")
        from_model = cycles(calculation, initial_density(calculation, hamiltonian))
        energy = calculation.e_tot
        from_atoms = cycles(dft.RKS(molecule, xc="pbe,pbe"))
        print(
            f"E = {energy:.6f} hartree after {from_model} cycles from the predicted H, "
            f"{from_atoms} from PySCF's superposition of atoms"
        )


if __name__ == "__main__":
    main()
