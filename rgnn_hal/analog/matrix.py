"""A matrix held in macros, multiplied by reading them: y = x @ W.

`AnalogMatrix` joins what the rooms below provide: where the weights live (`Placement`), how
inputs become voltages (`InputCoding`), what the converters do wrong (`TileCalibration`), what the
weights are (`DigitalTwin`), and who counts (`Ledger`). It is a value: changing the reads or the
coding makes another one over the same cells.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rgnn_hal.analog.calibration import TileCalibration, calibrate
from rgnn_hal.analog.coding import InputCoding, Multilevel
from rgnn_hal.analog.twin import DigitalTwin, read_twin
from rgnn_hal.cost import Ledger, record
from rgnn_hal.macro import LimitError, Macro, NotSupportedError, Side
from rgnn_hal.macro.checks import FloatArray, check_count, check_side, float_array
from rgnn_hal.mapping import Placement, Tile


@dataclass(frozen=True)
class AnalogMatrix:
    """W (inputs, outputs) on macros, in units of `unit` siemens.

    `product` runs on the hardware: noisy, counted, the same for any split of the batch. `weights`
    is the twin's idea of W.
    """

    macros: tuple[Macro, ...]
    placement: Placement
    unit: float
    """Siemens per unit of weight."""
    calibrations: tuple[TileCalibration, ...]
    """One per tile."""
    twin: DigitalTwin
    """In units of `unit`."""
    coding: InputCoding = field(default_factory=Multilevel)
    reads: int = 1
    """Reads averaged in every product."""
    ledger: Ledger = field(default_factory=Ledger)
    """Counts for this matrix and for all that were made from it."""
    backwards: tuple[TileCalibration, ...] | None = None
    """One per tile, of its rows, for `transposed`; None before `with_transpose`."""

    def __post_init__(self) -> None:
        check_count("reads", self.reads, min(macro.spec.max_samples for macro in self.macros))

    # So that `array @ matrix` comes here instead of NumPy trying to make an array of the matrix.
    __array_ufunc__ = None

    @classmethod
    def measure(
        cls,
        macros: Sequence[Macro],
        placement: Placement,
        *,
        unit: float | None = None,
        coding: InputCoding | None = None,
        reads: int = 1,
        twin_samples: int = 64,
    ) -> Self:
        """Take the cells as they are: calibrate every tile, read the twin, choose the unit.

        Args:
            macros: what `placement` counts by.
            placement: where the matrix lives.
            unit: siemens per unit of weight; the standard deviation of the weights by default, so
                that random weights have unit variance.
            coding: of inputs; one multilevel read by default.
            reads: averaged in every product.
            twin_samples: reads averaged for each cell of the twin.

        Raises:
            LimitError: the weights are all equal, so that they have no unit.
        """
        twin = read_twin(macros, placement, samples=twin_samples)
        if unit is None:
            unit = float(twin.weights.std())
        if not unit > 0:
            raise LimitError(
                f"weights with unit {unit!r} S carry nothing; form or program them first"
            )
        return cls.calibrated(
            macros, placement, twin.in_units_of(unit), unit, coding=coding, reads=reads
        )

    @classmethod
    def calibrated(
        cls,
        macros: Sequence[Macro],
        placement: Placement,
        twin: DigitalTwin,
        unit: float,
        *,
        coding: InputCoding | None = None,
        reads: int = 1,
    ) -> Self:
        """Join cells to a twin that is known already, in units of `unit` siemens.

        Only the converters are measured anew: they may have drifted since the twin was read.
        """
        calibrations = tuple(calibrate(macros[tile.macro], tile.region) for tile in placement.tiles)
        return cls(
            tuple(macros), placement, unit, calibrations, twin, coding or Multilevel(), reads
        )

    @property
    def shape(self) -> tuple[int, int]:
        """(inputs, outputs)."""
        return self.placement.shape

    @property
    def weights(self) -> NDArray[np.float64]:
        """The twin's weights (inputs, outputs)."""
        return self.twin.weights

    def with_reads(self, reads: int) -> Self:
        """The same cells, averaging another number of reads."""
        return replace(self, reads=reads)

    def with_transpose(self) -> Self:
        """The same cells, calibrated for `transposed` too.

        Raises:
            NotSupportedError: a macro cannot drive columns and sense rows; nothing was applied.
        """
        for macro in self.macros:
            check_side(macro.spec, "cols")
        return replace(
            self,
            backwards=tuple(
                calibrate(self.macros[tile.macro], tile.region, side="cols")
                for tile in self.placement.tiles
            ),
        )

    def product(self, x: ArrayLike) -> FloatArray:
        """x (batch, inputs) -> x @ W (batch, outputs) in x's dtype, through the hardware.

        Raises:
            LimitError: wrong shape, or not finite.
        """
        x = _checked_input(x, self.shape[0])
        y = np.zeros((x.shape[0], self.shape[1]), dtype=x.dtype)
        coded = {
            number: self.coding.encode(x, self.macros[number].spec)
            for number in {tile.macro for tile in self.placement.tiles}
        }
        for tile, calibration in zip(self.placement.tiles, self.calibrations, strict=True):
            planes = coded[tile.macro]
            voltage = planes.voltage[:, :, tile.input_slice]
            current = calibration.correct(self._sense(tile, voltage.reshape(-1, tile.inputs)))
            difference = self.placement.scheme.difference(current)
            difference = difference.reshape(*voltage.shape[:2], tile.outputs)
            y[:, tile.output_slice] += _joined(planes.weight / self.unit, difference)
        tiles = self.placement.tiles
        self._note_products(
            len(x), sum(tile.inputs for tile in tiles), sum(tile.outputs for tile in tiles)
        )
        return y

    def transposed(self, y: ArrayLike) -> FloatArray:
        """y (batch, outputs) -> y @ W^T (batch, inputs): columns driven by the scheme's D^T y.

        Raises:
            LimitError: wrong shape, or not finite.
            NotSupportedError: not calibrated by `with_transpose`.
        """
        if self.backwards is None:
            raise NotSupportedError(
                "this matrix is not calibrated for transposed products; make one with "
                "with_transpose()"
            )
        y = _checked_input(y, self.shape[1])
        x = np.zeros((y.shape[0], self.shape[0]), dtype=y.dtype)
        for tile, calibration in zip(self.placement.tiles, self.backwards, strict=True):
            columns = self.placement.scheme.spread(y[:, tile.output_slice])
            planes = self.coding.encode(columns, self.macros[tile.macro].spec)
            voltage = planes.voltage.reshape(-1, columns.shape[1])
            current = calibration.correct(self._sense(tile, voltage, "cols"))
            current = current.reshape(*planes.weight.shape, tile.inputs)
            x[:, tile.input_slice] += _joined(planes.weight / self.unit, current)
        tiles = self.placement.tiles
        self._note_products(
            len(y), sum(tile.outputs for tile in tiles), sum(tile.inputs for tile in tiles)
        )
        return x

    def __rmatmul__(self, x: ArrayLike) -> FloatArray:
        return self.product(x)

    def _sense(self, tile: Tile, voltage: FloatArray, side: Side = "rows") -> FloatArray:
        macro = self.macros[tile.macro]
        chunk = macro.spec.max_batch
        parts = [
            macro.multiply(
                voltage[start : start + chunk], side=side, region=tile.region, samples=self.reads
            )
            for start in range(0, len(voltage), chunk)
        ]
        current = parts[0] if len(parts) == 1 else np.concatenate(parts)
        self._count(tile, voltage, current)
        return current

    def _count(self, tile: Tile, voltage: FloatArray, current: FloatArray) -> None:
        spec = self.macros[tile.macro].spec
        samples = len(voltage) * self.reads
        sensed = current.shape[1]
        self._note(
            Ledger(
                planes=len(voltage),
                samples=samples,
                drives=samples * voltage.shape[1],
                conversions=samples * sensed,
                macs=samples * tile.region.cells,
                cell_volts=self.reads * sensed * float(np.abs(voltage).sum(dtype=np.float64)),
            )
        )
        if spec.adc_bits is None:
            return
        step = spec.current_step
        rails = current >= spec.current.high - step
        if spec.current.low < 0:  # otherwise the low end is no rail, but no current
            rails |= current <= spec.current.low + step
        saturated = int(rails.sum())
        if saturated:
            self._note(Ledger(saturated=saturated))
            warnings.warn(
                f"{saturated} of {current.size} currents reached the converter's full scale "
                f"{spec.current.low:g} ... {spec.current.high:g} A and are clipped by it; "
                "use fewer rows per tile",
                RuntimeWarning,
                stacklevel=4,
            )

    def _note_products(self, count: int, sent: int, received: int) -> None:
        multiplications = count * self.shape[0] * self.shape[1]
        self._note(
            Ledger(
                products=count,
                multiplications=multiplications,
                sent=count * sent,
                received=count * received,
            )
        )

    def _note(self, done: Ledger) -> None:
        self.ledger.add(done)
        record(done)


def _joined(weight: FloatArray, planes: FloatArray) -> FloatArray:
    """sum_p weight[b, p] planes[b, p, :]; one plane, the usual case, needs no sum."""
    if weight.shape[1] == 1:
        only: FloatArray = planes[:, 0] * weight
        return only
    joined: FloatArray = np.einsum("bp,bpo->bo", weight, planes)
    return joined


def _checked_input(x: ArrayLike, inputs: int) -> FloatArray:
    array = float_array("input", x)
    if array.ndim != 2 or array.shape[1] != inputs:
        raise LimitError(
            f"input of shape {array.shape} does not fit (batch, {inputs}); "
            "for one vector pass x[None, :]"
        )
    if len(array) == 0:
        raise LimitError("a product of no vectors was asked for; pass at least one")
    if not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))
        raise LimitError(f"{len(bad)} inputs are not finite, the first at {tuple(bad[0].tolist())}")
    return array
