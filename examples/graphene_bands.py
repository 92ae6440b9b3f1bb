"""Learn Hamiltonians of graphene through a simulated chip; draw a new frame's bands over DFT's.

Run: python examples/graphene_bands.py
"""

import tempfile
from pathlib import Path

from rgnn_hal import open_macro
from rgnn_hal.report import bands_plot
from rgnn_hal.tasks.hamiltonian import (
    HamiltonianFile,
    HamiltonianRecipe,
    train_hamiltonian,
    write_crystals,
)
from rgnn_hal.tasks.hamiltonian.bands import band_path
from rgnn_hal.tasks.hamiltonian.crystal import Crystal
from rgnn_hal.tasks.hamiltonian.electronic import (
    band_errors,
    count_electrons,
    electronic_structure,
)
from rgnn_hal.tasks.hamiltonian.export import write_deeph
from rgnn_hal.tasks.hamiltonian.filling import HARTREE_EV, wave_vector_grid

DATA = Path(__file__).parent / "data" / "graphene_4x4_s2p1.h5"


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="graphene-"))
    with HamiltonianFile(DATA) as file:
        *known, new = file
        basis, grid = file.basis, wave_vector_grid(file.k_grid)
    write_crystals(folder / "known.h5", known, basis)
    with open_macro("emulator://?seed=1&exact=true") as macro:
        recipe = HamiltonianRecipe(channels=16)
        model = train_hamiltonian(folder / "known.h5", macro, recipe).model
        predicted = model.on_macro(macro).predict(new.atoms)

    assert new.chemical_potential is not None
    crystal = Crystal.from_frame(new, basis)
    electrons = count_electrons(crystal, grid, new.chemical_potential)
    path = band_path(crystal.lattice, "GKMG", 60)
    reference = electronic_structure(crystal, path, grid, electrons)
    found = electronic_structure(Crystal.from_frame(predicted, basis), path, grid, electrons)
    errors = band_errors(found, reference)
    print(
        f"{electrons} electrons in {crystal.size} orbitals; Fermi level: predicted "
        f"{found.fermi_level * HARTREE_EV:.4f} eV, from DFT's H "
        f"{reference.fermi_level * HARTREE_EV:.4f} eV, OpenMX said "
        f"{new.chemical_potential * HARTREE_EV:.4f} eV"
    )
    print(
        f"{errors.bands} bands are off by {1e3 * HARTREE_EV * errors.mean:.1f} meV on average, "
        f"{1e3 * HARTREE_EV * errors.largest:.1f} at most, from {len(known)} frames of training"
    )
    title = "Graphene at 300 K, 32 atoms"
    print(bands_plot(found, folder / "bands.png", title=title, reference=reference))
    write_deeph(folder / "deeph", predicted, basis, found.fermi_level)
    print(folder / "deeph", "is for DeepH-like tools")


if __name__ == "__main__":
    main()
