"""Bounds: how far a macro may be from its NumPy model, derived from its spec.

The model's conductances G are themselves read, with `REFERENCE_SAMPLES` samples, so for voltages v

    |I - I_0 - v G| <= 6 read_noise |v| sqrt(1/samples + 1/reference)     noise
                       + 2 ADC steps + (DAC step / 2) sum G                converters
                       + 5 % |v G|                                         uncalibrated gains

I_0 is the current at zero volts. Of each vector the *median* over its sensed lines, and of each
line that over its vectors, is held to this where there is noise, because real cells have heavy
tails: random telegraph noise shifts 0.6 % of the cells of a 40 nm chip by more than 5 sigma, for a
while. Single lines may be off by one cell at full conductance and 8 ADC steps. Without noise every
line is held to it. An exact macro (no noise, no converters) is held to float32 precision, because
its wire may be float32, or to Ohm's law as far as its cells obey it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import MacroSpec
from rgnn_hal.macro.checks import FloatArray

REFERENCE_SAMPLES = 16
_SIGMAS = 6.0
_GAIN = 0.05
_CURVED = 0.3
"""What cells may lack of their conductance at small voltages, where they are found to lack some."""
_CONVERTER_STEPS = 8
"""By which single lines may be off more: converters have noise, and the spec no field for it."""
_FEWEST = 8
"""Values that a median or a quantile is taken of."""
_QUANTILE = 0.8
"""Share of cells that must read as before; a telegraph switches in a few per cent of them."""


@dataclass(frozen=True)
class Bounds:
    """Bounds of one macro."""

    spec: MacroSpec
    curved: bool = False
    """Whether the cells of an exact macro conduct less at small voltages."""

    @property
    def exact(self) -> bool:
        """Whether reading adds nothing to what the cells are."""
        spec = self.spec
        return spec.read_noise == 0 and spec.dac_bits is None and spec.adc_bits is None

    @property
    def adc_step(self) -> float:
        """Of a column converter, A."""
        return _step(self.spec.current.low, self.spec.current.high, self.spec.adc_bits)

    @property
    def reference_samples(self) -> int:
        """Samples that the model's own values are read with."""
        return min(REFERENCE_SAMPLES, self.spec.max_samples)

    def currents(
        self,
        measured: FloatArray,
        expected: NDArray[np.float64],
        voltage: FloatArray,
        conductance: NDArray[np.float64],
        samples: int,
        drift: float = 0.0,
    ) -> str | None:
        """What is wrong with `measured` (batch, sensed), in words; None if it is within bounds.

        `expected` includes the current at zero volts; `conductance` is (driven, sensed); `drift`
        (S) is what cells may have moved by themselves.
        """
        low, high = self.spec.current.low, self.spec.current.high
        deviation = np.abs(
            np.clip(measured.astype(np.float64), low, high) - np.clip(expected, low, high)
        )
        exact_voltage = np.abs(voltage.astype(np.float64))
        bound = self._current_bound(exact_voltage, conductance, expected, samples)
        bound += drift * exact_voltage.sum(axis=1)[:, None]
        slack = np.zeros((1, 1))
        if self.spec.read_noise > 0:
            slack = self.spec.conductance.high * exact_voltage.max(axis=1, initial=0.0)[:, None]
            slack = slack + _CONVERTER_STEPS * self.adc_step
            for axis, name in ((1, "vector"), (0, "line")):
                typical = np.median(deviation / bound, axis=axis)
                one = int(typical.argmax())
                if measured.shape[axis] >= _FEWEST and typical[one] > 1:
                    read, meant = (np.moveaxis(v, axis, 1)[one] for v in (measured, expected))
                    return (
                        f"{name} {one} is off by {typical[one]:.3g} times the bound in the median "
                        f"of {measured.shape[axis]} {'lines' if axis else 'vectors'}: read "
                        f"{_some(read)}, expected {_some(meant)} A"
                    )
        outside = ~(deviation <= bound + slack)
        if not outside.any():
            return None
        b, line = np.argwhere(outside)[0].tolist()
        return (
            f"vector {b}, line {line} of the sensed ones reads {measured[b, line]:.8g} A, expected "
            f"{expected[b, line]:.8g} A within {(bound + slack)[b, line]:.2g} A"
            f" ({int(outside.sum())} of {outside.size} values are off)"
        )

    def _current_bound(
        self,
        voltage: NDArray[np.float64],
        conductance: NDArray[np.float64],
        expected: NDArray[np.float64],
        samples: int,
    ) -> NDArray[np.float64]:
        size = np.abs(conductance)
        rounding = float(np.finfo(np.float32).eps) * (voltage.shape[1] + 8)
        bound: NDArray[np.float64] = rounding * (voltage @ size + np.abs(expected)) + 1e-37
        if self.exact:
            return np.asarray(bound + (_CURVED if self.curved else 0.0) * (voltage @ size))
        norm = np.linalg.norm(voltage, axis=1)[:, None]
        noise = self.spec.read_noise * norm
        noise = noise * np.sqrt(1 / samples + 1 / self.reference_samples)
        dac = _step(self.spec.read_voltage.low, self.spec.read_voltage.high, self.spec.dac_bits)
        return np.asarray(
            bound
            + _SIGMAS * noise
            + 2 * self.adc_step
            + 0.5 * dac * size.sum(axis=0)
            + _GAIN * (voltage @ size)
        )

    def cells(
        self,
        measured: NDArray[np.float64],
        expected: NDArray[np.float64],
        samples: int,
        drift: float = 0.0,
    ) -> str | None:
        """What is wrong with conductances read where `expected` was read before; None if nothing.

        `measured` with `samples`, `expected` with the model's number; `drift` (S) is what cells may
        have moved by themselves.
        """
        deviation, bound = np.abs(measured - expected), self.cell_bound(samples) + drift
        bounds = bound + 1e-6 * np.abs(expected)
        for axis, name in ((1, "row"), (0, "column")):
            lines = np.median(deviation - bounds, axis=axis)
            if measured.shape[axis] >= _FEWEST and lines.max() > 0:
                return f"most cells of {name} {int(lines.argmax())} of the region differ"
        outside = ~(deviation <= bounds)
        slack = self.spec.conductance.high
        if self.spec.read_noise > 0 and (outside.mean() <= 1 - _QUANTILE or outside.size < _FEWEST):
            outside = ~(deviation <= bound + slack)
        if not outside.any():
            return None
        row, col = np.argwhere(outside)[0].tolist()
        return (
            f"cell ({row}, {col}) of the region reads {measured[row, col]:.6g} S, was "
            f"{expected[row, col]:.6g} S ({int(outside.sum())} of {outside.size} cells differ)"
        )

    def cell_bound(self, samples: int) -> float:
        """How far two readings of one cell may be apart, S, but for rounding."""
        noise = self.spec.read_noise * np.sqrt(1 / samples + 1 / self.reference_samples)
        return float(_SIGMAS * noise + 2 * self.cell_step)

    @property
    def cell_step(self) -> float:
        """Resolution of single cells, S: converters span a few times the window."""
        return _step(0.0, 4 * self.spec.conductance.high, self.spec.adc_bits)


def _step(low: float, high: float, bits: int | None) -> float:
    return 0.0 if bits is None else (high - low) / (2**bits - 1)


def _some(values: NDArray[Any]) -> str:
    shown = ", ".join(f"{value:.4g}" for value in values[:4])
    return f"[{shown}{', ...' if values.size > 4 else ''}]"
