"""What the sections of one run share: sizes, progress, and the first-principles calculations."""

from dataclasses import dataclass, field
from pathlib import Path

from rgnn_hal.macro.errors import HalError
from rgnn_hal.progress import Progress, silent
from rgnn_hal.reproduction.cell import Missing
from rgnn_hal.reproduction.first_principles import FirstPrinciples, first_principles
from rgnn_hal.reproduction.settings import Settings


@dataclass
class Context:
    """One run; calculations are made when the first section asks for them."""

    settings: Settings
    folder: Path
    """For files that live as long as the run."""
    progress: Progress = silent
    _calculations: FirstPrinciples | Missing | None = field(default=None, init=False)

    def first_principles(self) -> FirstPrinciples | Missing:
        """The calculations, or why there are none."""
        if self._calculations is None:
            try:
                self._calculations = first_principles(self.settings.sizes, self.progress)
            except HalError as error:
                self._calculations = Missing(str(error))
        return self._calculations
