"""An ASE calculator: any ASE tool can ask a model for energy, forces and stress."""

from collections.abc import Sequence
from typing import Any

import ase
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from rgnn_hal.tasks.forces.extrapolation import extrapolating, warn
from rgnn_hal.tasks.forces.model import Predictor


class ForcesCalculator(Calculator):
    """Energy (eV), energies per atom, forces (eV/angstrom) and, in full cells, stress (eV/A^3).

    Every `check_every`-th calculation, the first one among them, also grades the atoms:
    `results["extrapolation"]`, (atoms,), 1 for the training's farthest. The first grades beyond the
    limit raise an `ExtrapolationWarning` that names the atoms; `largest_grade` and `outsiders` keep
    what was found. Raises `DataError` for structures that the model cannot describe.
    """

    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress"]  # noqa: RUF012

    def __init__(self, predictor: Predictor, *, check_every: int = 10, **settings: Any) -> None:
        super().__init__(**settings)  # type: ignore[no-untyped-call]
        self._predictor = predictor
        self._check_every = check_every
        self._calculations = 0
        self.largest_grade: float | None = None
        """Of any atom so far; None before the first check."""
        self.outsiders: set[int] = set()
        """Atoms that were beyond the limit at any check."""

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
        if self._calculations % self._check_every == 0:
            self._check(structure)
        self._calculations += 1

    def _check(self, structure: ase.Atoms) -> None:
        grades = self._predictor.grades(structure)
        if grades is None:
            return
        self.results["extrapolation"] = grades
        self.largest_grade = max(self.largest_grade or 0.0, float(grades.max()))
        found = extrapolating(grades)
        if found and not self.outsiders:
            warn(grades, f"calculation {self._calculations}")
        self.outsiders.update(found)
