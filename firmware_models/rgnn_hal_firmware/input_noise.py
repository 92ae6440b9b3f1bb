"""Noise of the input converters: all columns that are converted at once see the same.

A line that is driven carries, for every conversion, its own voltage error n, normal and white. The
columns share converters (`array.multiplexed_columns`), so a sample of a vector is converted in as
many turns, with another n in each:

    I_c += sum_r n_r(turn of c) G_rc

Unlike the noise of cells it is correlated between the columns of one turn. Lines at rest are
switched to ground and carry none. The numbers follow the stream's count of conversions, so the
split of a batch changes nothing.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.randomness import NormalStream, Purpose
from rgnn_hal_firmware.window import Side, Window

FloatArray = NDArray[np.floating[Any]]


class InputNoise:
    """Of one chip's input converters."""

    def __init__(self, parameters: ChipParameters, seed: int) -> None:
        self._volts = parameters.periphery.input_noise
        self._turns = parameters.array.multiplexed_columns
        self._seed = seed
        self._streams: dict[tuple[Window, Side], NormalStream] = {}

    @property
    def active(self) -> bool:
        """Whether there is any."""
        return self._volts > 0.0

    def add(
        self,
        signal: FloatArray,
        share: FloatArray | NDArray[np.bool_],
        operand: FloatArray,
        step: float,
        stream: tuple[Window, Side],
        conversion: int,
    ) -> None:
        """Add what the noise of driven lines makes of `signal`, in place.

        Args:
            signal: (batch, samples, sensed lines), codes.
            share: of its noise that each line carries, rms, (batch, driven lines): `input_forms`.
            operand: (driven, sensed), codes of output per code of input.
            step: V per code of input.
            stream: window and side of the product.
            conversion: number of the first one in that stream.
        """
        batch, samples, _ = signal.shape
        lines = operand.shape[0]
        noise = np.empty((batch, samples, self._turns, lines), np.float32)
        first = conversion * self._turns * lines
        self._stream(stream).read(first, noise.reshape(-1))
        noise *= np.float32(self._volts / step)
        noise *= share[:, None, None, :]
        for turn in range(self._turns):
            columns = slice(turn, None, self._turns)
            signal[..., columns] += noise[:, :, turn] @ operand[:, columns]

    def _stream(self, key: tuple[Window, Side]) -> NormalStream:
        if key not in self._streams:
            window, side = key
            words = (*window, int(side == "cols"))
            self._streams[key] = NormalStream(self._seed, Purpose.INPUT_NOISE, *words)
        return self._streams[key]
