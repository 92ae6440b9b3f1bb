"""A model after its chip has drifted: follow the weights, and refit where that is not enough.

Converters are calibrated whenever a model is joined to a macro. What remains is that conductances
change, with temperature above all. A part is common to a matrix and taken out by its unit, for
nothing; the rest is one cell's own. Statistics that were kept take it as noise to pay for, in
seconds; only data make features of the weights as they are now. Force errors, meV/A, of small
models at 350 K that were trained at 300 K: ethanol 66 when it was trained, 131 after, with gains
106, fitted to statistics 83, to data 67; Li3PO4 on three chips 76, 76, 71 when it was trained,
100, 87, 93 after, with gains 110, 80, 90. A new twin under an old readout is no way out: 281 for
ethanol.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from rgnn_hal.macro import Macro
from rgnn_hal.progress import Progress, silent
from rgnn_hal.reservoir.frozen import Drift
from rgnn_hal.tasks.forces.collection import measure_noise
from rgnn_hal.tasks.forces.kept import KeptStatistics
from rgnn_hal.tasks.forces.model import ForcesModel
from rgnn_hal.tasks.forces.regression import Regression
from rgnn_hal.tasks.forces.training import train_forces

Refit = Literal["none", "statistics", "data"]

STALE = 0.01
"""Deviation, in sd of the weights, from which a readout should be fitted anew. A fresh twin of the
40 nm chip is at 0.003; 10 K make it 0.009."""


@dataclass(frozen=True)
class Recalibration:
    """A model that fits its chip again, as far as it could be made to."""

    model: ForcesModel
    drift: Drift
    refit: Refit
    """What the readout was fitted to."""
    refit_needed: bool
    """The rest of the drift asks for a refit to data."""
    statistics: KeptStatistics | None
    """Of the model, if they were kept."""


def recalibrate(
    model: ForcesModel,
    macro: Macro,
    *,
    statistics: KeptStatistics | None = None,
    data: Path | None = None,
    macro_uri: str = "",
    workers: int = 1,
    progress: Progress = silent,
) -> Recalibration:
    """Measure how far `macro` has drifted, take out gains, and refit where that is not enough.

    Args:
        model: trained on this chip.
        macro: the chip as it is now; its cells are only read, unless data are refitted to: as any
            training that forms those selected cells that have not formed before.
        statistics: what the model's training kept. Without data the readout is fitted to them
            again, with what the drift does to a sample of structures as part of the noise.
        data: labelled frames for features of the weights as they are now.
        macro_uri: address to remember in a model that was trained again; the old one by default.
        workers: see `train_forces`.
        progress: told what goes on.

    Raises:
        ConfigurationError: another chip, or one that holds other weights.
        DataError: see `train_forces`.
    """
    drift = model.weights.drift(macro, progress)
    followed = replace(model, weights=model.weights.with_gains(drift.gains))
    stale = drift.after > STALE
    if stale and data is not None:
        result = train_forces(
            data,
            macro,
            model.recipe,
            macro_uri=macro_uri or model.macro_uri,
            workers=workers,
            keep=statistics is not None,
            progress=progress,
        )
        return Recalibration(result.model, drift, "data", False, result.statistics)
    if stale and statistics is not None:
        renewed = _with_present_noise(followed, macro, statistics, progress)
        progress(0, 1, "solving")
        readout = renewed.fit(model.recipe.reads).readout
        progress(1, 1, "solving")
        refitted = replace(followed, readout=readout)
        return Recalibration(refitted, drift, "statistics", True, renewed)
    return Recalibration(followed, drift, "none", stale, statistics)


def _with_present_noise(
    model: ForcesModel, macro: Macro, statistics: KeptStatistics, progress: Progress
) -> KeptStatistics:
    hardware = model.on_macro(macro, progress=progress).reservoir
    twin = replace(hardware, mixings=model.weights.digital())
    regression = Regression(twin, model.baseline, model.recipe.energy_weight)
    noise = measure_noise(regression, hardware, statistics.sample, progress)
    return statistics.with_noise(noise, twin)
