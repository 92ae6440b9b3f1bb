"""Multiply-accumulates of the host, counted where it works, to set beside the macro's.

Only products of matrices and vectors count, on both sides; functions of single numbers (tanh, exp,
distances) are work for digital units either way.
"""

from __future__ import annotations

from dataclasses import dataclass

from rgnn_hal.tasks.wavefunction.ansatz import Ansatz


@dataclass
class HostWork:
    """Running total for one ansatz with `features` trained head weights."""

    ansatz: Ansatz
    features: int = 0
    macs: int = 0

    def walk(self, moves: int) -> None:
        """`moves` moves of one electron: its orbitals, and the table of its spin (`spin_table`)."""
        functions, orbitals, determinants, electrons = self._sizes()
        alike = max(electrons // 2, 1)
        table = 2 * alike * (orbitals + alike) + 2 * determinants
        self.macs += moves * (functions * orbitals + table)

    def evaluate(self, walkers: int) -> int:
        """psi and E_L of walkers whose features are there; returns what was added."""
        functions, orbitals, determinants, electrons = self._sizes()
        per_electron = functions * (5 * orbitals + 3 + orbitals) + 5 * determinants * electrons**2
        added = walkers * (electrons * per_electron + self.features * (3 * electrons + 2))
        self.macs += added
        return added

    def differentiate(self, walkers: int, parameters: int) -> None:
        """Derivatives of psi and H psi, and their part in H, S and the squares, half of each."""
        functions, _, determinants, electrons = self._sizes()
        self.evaluate(walkers)
        derivatives = 3 * determinants * functions * electrons**2 + self.features * 3 * electrons
        self.macs += walkers * (derivatives + 2 * (parameters + 1) ** 2)

    def network(self, macs: int) -> None:
        """The frozen network, evaluated by the twin."""
        self.macs += macs

    def _sizes(self) -> tuple[int, int, int, int]:
        configurations = self.ansatz.configurations
        orbitals = int(configurations.up.max()) + 1
        return (
            self.ansatz.basis.size,
            orbitals,
            configurations.size,
            self.ansatz.molecule.electrons,
        )
