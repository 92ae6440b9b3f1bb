"""Frozen weights: random matrices formed in a macro, described so that they can be found again.

A reservoir is made once: a region of pristine cells is formed, and whatever conductances come out
are its weights. `freeze` does that and reads them back; `FrozenWeights` is the description that an
artefact keeps: the chip, the forming recipe, where the matrices lie and what was read. `thaw` joins
the description to an open macro again, and refuses a macro that does not hold these weights.

Forming half of the cells is the default. With all cells formed a weight is the difference of two
similar conductances, and one read's noise is 8.8 % of its standard deviation on the 40 nm chip;
with half of them formed the spread is the conductance itself, and the same noise is about 2 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rgnn_hal.analog import AnalogMatrix, DigitalTwin, InputCoding, read_twin
from rgnn_hal.macro import Capability, ConfigurationError, Macro, Region
from rgnn_hal.mapping import PAIR, Placement, Scheme, Site, place
from rgnn_hal.programming import form
from rgnn_hal.progress import Progress, silent
from rgnn_hal.reservoir.mixing import DigitalMixing

_MISMATCH = 0.05
"""Largest rms deviation from the stored weights, in units of their sd, that still counts as the
same. Read-back deviates by 0.004, another chip formed by the same recipe by 0.33, with another
selection by 1.4. A few cells that broke down late took a readout's force error from 11 to 85
meV/angstrom."""
_OTHER = 0.25
"""More than this is no drift: 50 K warmer are 0.06."""


@dataclass(frozen=True)
class FrozenWeights:
    """Random matrices in one macro, in units of their own standard deviation."""

    chip: str
    """`spec.identity` of the macro that holds them."""
    region: Region
    """Cells that were formed: the box around all tiles."""
    fraction: float
    """Fraction of them that was selected for forming."""
    seed: int
    """Of that selection."""
    placements: tuple[Placement, ...]
    units: tuple[float, ...]
    """Siemens per unit of each matrix."""
    twins: tuple[DigitalTwin, ...]
    """What was read back, in units."""

    @property
    def parameters(self) -> int:
        """Number of frozen weights."""
        return sum(inputs * outputs for inputs, outputs in (p.shape for p in self.placements))

    def digital(self) -> tuple[DigitalMixing, ...]:
        """The twins alone: noise-free, without hardware."""
        return tuple(DigitalMixing(twin.weights) for twin in self.twins)

    def thaw(
        self,
        macro: Macro,
        *,
        coding: InputCoding | None = None,
        reads: int = 1,
        progress: Progress = silent,
    ) -> tuple[AnalogMatrix, ...]:
        """The matrices on `macro`; an ephemeral chip is formed again by the recipe first.

        Raises:
            ConfigurationError: another chip, or one that does not hold these weights.
        """
        found = self._found(macro, progress)
        deviation = self._deviation(found)
        if deviation > _MISMATCH:
            raise ConfigurationError(
                f"chip {self.chip!r} does not hold these weights: what it holds deviates by "
                f"{deviation:.2f} of their standard deviation (limit {_MISMATCH}). If its cells "
                "are still pristine, put them there with: rgnn-hal form URI "
                f"--region {self.region} --fraction {self.fraction:g} --seed {self.seed}. "
                "If they have drifted, follow them with: rgnn-hal recalibrate MODEL. "
                "Otherwise train again on it"
            )
        return tuple(
            AnalogMatrix.calibrated([macro], placement, twin, coding=coding, reads=reads, unit=unit)
            for placement, twin, unit in zip(self.placements, self.twins, self.units, strict=True)
        )

    def drift(self, macro: Macro, progress: Progress = silent) -> "Drift":
        """How what `macro` holds now differs from these weights.

        Raises:
            ConfigurationError: another chip, or one that holds other weights.
        """
        found = self._found(macro, progress)
        gains = tuple(
            float((now.weights * twin.weights).sum() / (twin.weights**2).sum() / unit)
            for now, unit, twin in zip(found, self.units, self.twins, strict=True)
        )
        before = self._deviation(found)
        if not all(gain > 0.0 for gain in gains) or before > _OTHER:
            raise ConfigurationError(
                f"chip {self.chip!r} does not hold these weights: what it holds deviates by "
                f"{before:.2f} of their standard deviation, more than drift ({_OTHER}); "
                "train again on it"
            )
        return Drift(gains, before, self.with_gains(gains)._deviation(found))

    def with_gains(self, gains: Sequence[float]) -> "FrozenWeights":
        """The same weights in cells whose conductances have changed by these factors."""
        units = tuple(gain * unit for gain, unit in zip(gains, self.units, strict=True))
        return replace(self, units=units)

    def _found(self, macro: Macro, progress: Progress) -> list[DigitalTwin]:
        """What `macro` holds now, S; an ephemeral chip is formed again first."""
        if macro.spec.identity != self.chip:
            raise ConfigurationError(
                f"these weights were formed in chip {self.chip!r}, this is "
                f"{macro.spec.identity!r}; open that chip, or train again on this one"
            )
        found = self._read(macro)
        if (
            self._deviation(found) > _MISMATCH
            and Capability.PERSISTENT not in macro.spec.capabilities
        ):
            form(macro, self.region, fraction=self.fraction, seed=self.seed, progress=progress)
            found = self._read(macro)
        return found

    def _read(self, macro: Macro) -> list[DigitalTwin]:
        return [read_twin([macro], placement) for placement in self.placements]

    def _deviation(self, found: Sequence[DigitalTwin]) -> float:
        """Largest rms difference, over the matrices, from what was found, in units of sd."""
        return max(
            float(np.sqrt(np.mean((now.weights / unit - twin.weights) ** 2)))
            for now, unit, twin in zip(found, self.units, self.twins, strict=True)
        )


@dataclass(frozen=True)
class Drift:
    """What has become of frozen weights."""

    gains: tuple[float, ...]
    """By which factor each matrix has changed as a whole."""
    before: float
    """Rms change of a weight, in their sd; the largest over the matrices."""
    after: float
    """The same when the gains are taken out."""


def freeze(
    macro: Macro,
    shapes: Sequence[tuple[int, int]],
    *,
    fraction: float = 0.5,
    seed: int = 0,
    scheme: Scheme = PAIR,
    progress: Progress = silent,
) -> FrozenWeights:
    """Form matrices of `shapes` (inputs, outputs) into `macro`, from its first cell on.

    Cells that conduct already are taken as they are: random is random.

    Raises:
        LimitError: the matrices do not fit the macro.
    """
    placements = tuple(place(shapes, scheme, [Site(0, macro.spec.region)]))
    region = _box(placements)
    form(macro, region, fraction=fraction, seed=seed, progress=progress)
    twins = [read_twin([macro], placement) for placement in placements]
    units = tuple(float(twin.weights.std()) for twin in twins)
    if min(units) == 0.0:
        raise ConfigurationError(
            f"the cells of region {region} all read alike, so they carry no random weights; "
            f"check that the macro forms: rgnn-hal form URI --region {region}"
        )
    scaled = tuple(twin.in_units_of(unit) for twin, unit in zip(twins, units, strict=True))
    return FrozenWeights(macro.spec.identity, region, fraction, seed, placements, units, scaled)


def _box(placements: Sequence[Placement]) -> Region:
    regions = [tile.region for placement in placements for tile in placement.tiles]
    return Region(
        min(region.row_start for region in regions),
        max(region.row_stop for region in regions),
        min(region.col_start for region in regions),
        max(region.col_stop for region in regions),
    )
