"""Reading: products with input and column converters and noise, and single cells.

A product is, with codes k of the input converter and z standard normal, fresh in each sample,

    I = step_in * (k @ G + sqrt(k^2 @ var(G)) z)

(less than k^2 where inputs come as planes, `input_forms`), with v^3 @ cubic besides where cells are
not ohmic (`conduction`), and the noise of the input converters where they have any (`input_noise`);
then offset, gain, rounding and saturation of the column converter; `samples` conversions are
averaged. The white noise of the cells in one column is exactly normal in sum, so two matrix
products are exact in distribution, vector by vector. Fast telegraph noise is exact in variance and
normal in the limit of many rows.

Slow noise follows the time that the *stream* (window and side) has lived: the chip's time outside
products plus its own conversions. So neither the split of a batch nor products elsewhere on the
chip change a result. In float64 that holds to the bit but for one conversion in 1e12 that lies on
the edge between two codes, in float32, where BLAS rounds more, for one in 1e3.

`exact_readout` is the same chip on ideal instruments.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.converters import InputConverter, LineConverters
from rgnn_hal_firmware.crossbar import Crossbar
from rgnn_hal_firmware.input_noise import InputNoise
from rgnn_hal_firmware.noise import Cells, Disturbances, FloatArray
from rgnn_hal_firmware.operands import Operand, Operands
from rgnn_hal_firmware.parameters import ChipParameters
from rgnn_hal_firmware.randomness import NormalStream, Purpose
from rgnn_hal_firmware.refreshes import refreshes
from rgnn_hal_firmware.relaxation import Relaxation
from rgnn_hal_firmware.single_cells import CellReader
from rgnn_hal_firmware.state import ChipState, StreamKey, StreamPosition
from rgnn_hal_firmware.thermal import Thermal
from rgnn_hal_firmware.window import Side, Window

_PRODUCT = 1 << 18
"""Elements of a product at a time: BLAS arranges its matrices anew for each."""
_NOISE = 1 << 17
"""Elements of noise that are worked on at a time: 512 KiB stay in cache."""


class Readout(Protocol):
    """How a chip is read."""

    def currents(
        self, latched: FloatArray, window: Window, side: Side, state: ChipState, samples: int
    ) -> FloatArray:
        """(batch, sensed), A: the mean of `samples` samples of voltages (batch, driven), V."""

    def conductance(self, cells: Cells, state: ChipState, samples: int) -> NDArray[np.float64]:
        """Each of `cells` (flat indices) by itself, S, the mean of `samples` reads."""

    def forget(self) -> None:
        """Conductances have changed."""


class NoisyReadout:
    """The chip's own converters, with noise."""

    def __init__(
        self, parameters: ChipParameters, seed: int, relaxation: Relaxation, thermal: Thermal
    ) -> None:
        self._rows = parameters.array.rows
        self._seed = seed
        self._input = InputConverter.of(parameters, seed)
        self._input_noise = InputNoise(parameters, seed)
        self._lines: dict[Side, LineConverters] = {
            "rows": LineConverters.of(parameters, seed, "rows"),
            "cols": LineConverters.of(parameters, seed, "cols"),
        }
        self._streams: dict[StreamKey, NormalStream] = {}
        self._read_ns = round(parameters.read_time * 1e9)
        self._refresh_ns = round(parameters.telegraph.refresh * 1e9)
        disturbances = Disturbances.of(parameters, seed, relaxation, thermal)
        self._cell = CellReader(parameters, seed, disturbances)
        self._operands = Operands(disturbances, Crossbar(parameters), parameters.array.cols)

    def forget(self) -> None:
        """Conductances have changed."""
        self._operands.forget()

    def currents(
        self, latched: FloatArray, window: Window, side: Side, state: ChipState, samples: int
    ) -> FloatArray:
        """(batch, sensed), A."""
        batch, dtype = latched.shape[0], latched.dtype
        sensed = window.shape[1 if side == "rows" else 0]
        currents = np.empty((batch, sensed), dtype)
        driven = self._driven(window, side)
        stream = self._stream(window, side)
        position = state.streams.get((window, side))
        if position is None:
            position = state.streams[window, side] = StreamPosition()
        started_ns = state.time_ns + position.conversions * self._read_ns
        vector_ns = samples * self._read_ns
        for part, refresh in refreshes(started_ns, batch, vector_ns, self._refresh_ns):
            operand = self._operands.find(window, side, dtype, refresh, state)
            if operand is None:
                operand = self._operands.add(
                    window, state, self._lines[side], self._input.step, side, dtype, refresh
                )
            for block in _blocks(part, max(1, _PRODUCT // sensed)):
                code = self._input.code(latched[block])
                shared = self._shared_noise(code, operand, window, side)
                mean, deviation = self._signal(code, driven, operand)
                _sample(
                    mean,
                    deviation,
                    operand.lines,
                    samples,
                    stream,
                    position,
                    currents[block],
                    shared,
                )
        position.conversions += batch * samples
        return currents

    def conductance(self, cells: Cells, state: ChipState, samples: int) -> NDArray[np.float64]:
        """Each of `cells` by itself, S."""
        return self._cell.read(cells, state, samples)

    def _driven(self, window: Window, side: Side) -> slice:
        """Numbers of the driven lines: columns come after rows."""
        if side == "rows":
            return slice(window.row_start, window.row_stop)
        return slice(self._rows + window.col_start, self._rows + window.col_stop)

    def _stream(self, window: Window, side: Side) -> NormalStream:
        key = window, side
        stream = self._streams.get(key)
        if stream is None:
            words = (*window, int(side == "cols"))
            stream = self._streams[key] = NormalStream(self._seed, Purpose.PRODUCT_READ, *words)
        return stream

    def _shared_noise(
        self, code: FloatArray, operand: Operand, window: Window, side: Side
    ) -> Callable[[FloatArray, slice, int], None] | None:
        """What adds the input converters' noise to a signal of some vectors, from a conversion."""
        if not self._input_noise.active:
            return None
        share = self._input.form.noise_share(code)

        def add(signal: FloatArray, vectors: slice, conversion: int) -> None:
            self._input_noise.add(
                signal,
                share[vectors],
                operand.conductance,
                self._input.step,
                (window, side),
                conversion,
            )

        return add

    def _signal(
        self, code: FloatArray, lines: slice, operand: Operand
    ) -> tuple[FloatArray, FloatArray]:
        """Mean (batch, sensed) and deviation of what the column converters see, in their codes.

        Consumes `code` (batch, driven), which `lines` are driven with.
        """
        form, step = self._input.form, self._input.step
        driven = self._input.drive(code, lines)
        mean = driven @ operand.conductance
        if operand.cubic is not None:
            mean += (form.cubed(driven * step) / step) @ operand.cubic
        mean += operand.lines.offset
        deviation = form.power(code, driven) @ operand.variance
        if operand.lines.noise:
            deviation += operand.lines.noise**2
        return mean, np.sqrt(deviation, out=deviation)


def _blocks(part: slice, length: int) -> Iterator[slice]:
    """Some vectors after others."""
    for start in range(part.start, part.stop, length):
        yield slice(start, min(start + length, part.stop))


def _sample(
    mean: FloatArray,
    deviation: FloatArray,
    lines: LineConverters,
    samples: int,
    stream: NormalStream,
    position: StreamPosition,
    currents: FloatArray,
    shared: Callable[[FloatArray, slice, int], None] | None,
) -> None:
    """Draw and convert `samples` samples of each mean; writes their averages, A."""
    batch, sensed = mean.shape
    single, to_amperes = samples == 1, lines.step / samples
    # Single samples in single precision are drawn, converted and returned in one place.
    in_place = single and currents.dtype == np.float32
    for block in _blocks(slice(0, batch), max(1, _NOISE // (samples * sensed))):
        out, center, spread = currents[block], mean[block], deviation[block]
        shape = out.shape if single else (len(out), samples, sensed)
        noise = out if in_place else np.empty(shape, np.float32)
        conversion = position.normals // sensed
        stream.read(position.normals, noise.reshape(-1))
        position.normals += noise.size
        signal = noise.astype(mean.dtype, copy=False)
        signal *= spread if single else spread[:, None]
        signal += center if single else center[:, None]
        if shared is not None:
            shared(signal.reshape(len(out), samples, sensed), block, conversion)
        lines.convert(signal)
        np.multiply(signal if single else signal.sum(axis=1), to_amperes, out=out)
