"""What the sections of one run share: sizes, progress, and the first-principles calculations."""

from dataclasses import dataclass, field
from pathlib import Path

from rgnn_hal.macro.errors import HalError
from rgnn_hal.progress import Progress, silent
from rgnn_hal.reproduction.cell import Missing
from rgnn_hal.reproduction.first_principles import (
    Calculation,
    FirstPrinciples,
    compute_family,
    matrix_rate,
)
from rgnn_hal.reproduction.settings import Settings


@dataclass
class Context:
    """One run; calculations are made when a section first asks for them."""

    settings: Settings
    folder: Path
    """For files that live as long as the run."""
    progress: Progress = silent
    _computed: dict[str, tuple[Calculation, ...]] = field(default_factory=dict, init=False)

    def first_principles(self, *families: str) -> FirstPrinciples | Missing:
        """Calculations of these families, or why there are none."""
        sizes = self.settings.sizes
        try:
            for name in families:
                if name not in self._computed:
                    self._computed[name] = compute_family(sizes, name, self.progress)
        except HalError as error:
            return Missing(f"not measured: {error}")
        chosen = {name: self._computed[name] for name in families}
        return FirstPrinciples(sizes, chosen, matrix_rate())
