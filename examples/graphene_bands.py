"""Bands, Fermi level and density of states of graphene from density-functional matrices.

Run: python examples/graphene_bands.py
"""

import tempfile
from pathlib import Path

from rgnn_hal.report import bands_plot
from rgnn_hal.tasks.hamiltonian.bands import band_path
from rgnn_hal.tasks.hamiltonian.crystal import Crystal
from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFile
from rgnn_hal.tasks.hamiltonian.electronic import count_electrons, electronic_structure
from rgnn_hal.tasks.hamiltonian.export import write_deeph
from rgnn_hal.tasks.hamiltonian.filling import HARTREE_EV, wave_vector_grid

DATA = Path(__file__).parent / "data" / "graphene_4x4_s2p1.h5"


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="graphene-"))
    with HamiltonianFile(DATA) as file:
        frame, basis, grid = file.frame(0), file.basis, wave_vector_grid(file.k_grid)
    assert frame.chemical_potential is not None
    crystal = Crystal.from_frame(frame, basis)
    electrons = count_electrons(crystal, grid, frame.chemical_potential)
    path = band_path(crystal.lattice, "GKMG", 60)
    found = electronic_structure(crystal, path, grid, electrons)
    print(
        f"{electrons} valence electrons in {crystal.size} orbitals; Fermi level "
        f"{found.fermi_level * HARTREE_EV:.4f} eV, OpenMX says "
        f"{frame.chemical_potential * HARTREE_EV:.4f} eV"
    )
    print("bands in", bands_plot(found, folder / "bands.png", title="Graphene at 300 K"))
    write_deeph(folder / "deeph", frame, basis, found.fermi_level)
    print("for DeepH-like tools in", folder / "deeph")


if __name__ == "__main__":
    main()
