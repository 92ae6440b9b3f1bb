"""An ASE calculator: any ASE tool can ask a model for energy, forces and stress."""

from collections.abc import Sequence
from typing import Any

import ase
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from rgnn_hal.tasks.forces.model import Predictor


class ForcesCalculator(Calculator):
    """Energy (eV), energies per atom, forces (eV/angstrom) and, in full cells, stress (eV/A^3).

    Raises `DataError` for structures that the model cannot describe.
    """

    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress"]  # noqa: RUF012

    def __init__(self, predictor: Predictor, **settings: Any) -> None:
        super().__init__(**settings)  # type: ignore[no-untyped-call]
        self._predictor = predictor

    def calculate(
        self,
        atoms: ase.Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Fill `results`; ASE calls this when positions have changed."""
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        structure = self.atoms
        assert structure is not None  # ASE has set it just now
        result = self._predictor.predict(structure)
        self.results = {
            "energy": result.energy,
            "free_energy": result.energy,
            "energies": result.atom_energies.numpy(),
            "forces": result.forces.numpy(),
        }
        if structure.pbc.all():
            stress = result.virial.numpy() / structure.get_volume()
            self.results["stress"] = full_3x3_to_voigt_6_stress(stress)
