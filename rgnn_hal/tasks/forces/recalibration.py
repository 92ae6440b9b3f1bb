"""A model after its chip has drifted: follow the weights, and refit where that is not enough.

Converters are calibrated whenever a model is joined to a macro. What remains is that conductances
change, with temperature above all. A part is common to a matrix and taken out by its unit, for
nothing; the rest is one cell's own, and a readout that was fitted to other weights pays for it.
Force errors, meV/A, of small models at 350 K that were trained at 300 K: ethanol 66 when it was
trained, 131 after, with gains 106, refitted 67; Li3PO4 on three chips 76, 76, 71 when it was
trained, 100, 87, 93 after, with gains 110, 80, 90. A new twin under an old readout is no way out:
281 for ethanol.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from rgnn_hal.macro import Macro
from rgnn_hal.progress import Progress, silent
from rgnn_hal.reservoir.frozen import Drift
from rgnn_hal.tasks.forces.kept import KeptStatistics
from rgnn_hal.tasks.forces.model import ForcesModel
from rgnn_hal.tasks.forces.training import train_forces

STALE = 0.01
"""Deviation, in sd of the weights, from which a readout should be fitted anew. A fresh twin of the
40 nm chip is at 0.003; 10 K make it 0.009."""


@dataclass(frozen=True)
class Recalibration:
    """A model that fits its chip again, as far as it could be made to."""

    model: ForcesModel
    drift: Drift
    refitted: bool
    refit_needed: bool
    """The rest of the drift asks for a refit, and there were no data to do it with."""
    statistics: KeptStatistics | None
    """Of the refit, if they were to be kept."""


def recalibrate(
    model: ForcesModel,
    macro: Macro,
    *,
    data: Path | None = None,
    macro_uri: str = "",
    workers: int = 1,
    keep: bool = False,
    progress: Progress = silent,
) -> Recalibration:
    """Measure how far `macro` has drifted, take out gains, and refit on `data` if they are given.

    Args:
        model: trained on this chip.
        macro: the chip as it is now; its cells are only read, unless there is a refit: as any
            training that forms those selected cells that have not formed before.
        data: labelled frames for a refit; used only if the drift asks for one.
        macro_uri: address to remember in a model that is refitted; the old one by default.
        workers: threads of a refit.
        keep: keep the statistics of a refit.
        progress: told what goes on.

    Raises:
        ConfigurationError: another chip, or one that holds other weights.
        DataError: see `train_forces`.
    """
    drift = model.weights.drift(macro, progress)
    followed = replace(model, weights=model.weights.with_gains(drift.gains))
    stale = drift.after > STALE
    if not stale or data is None:
        return Recalibration(followed, drift, False, stale, None)
    result = train_forces(
        data,
        macro,
        model.recipe,
        macro_uri=macro_uri or model.macro_uri,
        workers=workers,
        keep=keep,
        progress=progress,
    )
    return Recalibration(result.model, drift, True, False, result.statistics)
