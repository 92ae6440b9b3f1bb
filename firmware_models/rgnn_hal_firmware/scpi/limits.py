"""What the controller refuses because the chip must not, or cannot, be given it.

The firmware trusts nobody: these checks stand beside those of any driver. Limits are compared in
the precision of the numbers that arrived, so REAL32 0.2 meets a limit of 0.2 V.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal_firmware.parameters import ChipParameters, PulseEnvelope
from rgnn_hal_firmware.scpi.errors import ScpiError
from rgnn_hal_firmware.scpi.messages import Block
from rgnn_hal_firmware.window import Side, Window

FloatArray = NDArray[np.floating[Any]]

LONGEST_WAIT = 1e12
"""s; 30 000 years, and far less than what the clock can count."""
_WATCHDOG = 0.01, 86400.0
"""s; the host's operating system may be busy elsewhere for milliseconds."""


def check_window(parameters: ChipParameters, window: Window) -> None:
    """`window` lies on the chip."""
    rows, cols = parameters.array.rows, parameters.array.cols
    if window.row_stop > rows or window.col_stop > cols:
        raise ScpiError(-222, f"region {','.join(map(str, window))} > {rows} rows x {cols} columns")


def check_samples(parameters: ChipParameters, samples: int) -> None:
    """`samples` can be averaged."""
    most = parameters.periphery.max_samples
    if not 1 <= samples <= most:
        raise ScpiError(-222, f"samples {samples} is outside 1 ... {most}")


def check_batch(parameters: ChipParameters, batch: int) -> None:
    """`batch` vectors can be held."""
    most = parameters.periphery.max_batch
    if not 1 <= batch <= most:
        raise ScpiError(-222, f"batch {batch} is outside 1 ... {most}")


def check_wait(seconds: float) -> None:
    """`seconds` can pass."""
    if not 0 <= seconds <= LONGEST_WAIT:
        raise ScpiError(-222, f"{seconds:g} s is outside 0 ... {LONGEST_WAIT:g} s")


def check_watchdog(seconds: float) -> None:
    """A watchdog can wait that long; 0 is none at all."""
    low, high = _WATCHDOG
    if seconds != 0 and not low <= seconds <= high:
        raise ScpiError(-222, f"{seconds:g} s is neither 0 nor in {low:g} ... {high:g} s")


def check_train(envelope: PulseEnvelope, width: float, count: int) -> None:
    """Pulses of `width` can be made, and as many."""
    low, high = envelope.width
    if not low <= width <= high:
        raise ScpiError(-222, f"width {width:.9g} s is outside {low:g} ... {high:g} s")
    if not 1 <= count <= envelope.max_count:
        raise ScpiError(-222, f"count {count} is outside 1 ... {envelope.max_count}")


def drive(
    parameters: ChipParameters,
    block: Block,
    dtype: np.dtype[Any],
    batch: int,
    window: Window,
    side: Side,
) -> FloatArray:
    """The voltages of `block`, (batch, driven lines of `window`), V, within the read window."""
    lines = window.shape[0 if side == "rows" else 1]
    voltage = _numbers("voltage", block, dtype, batch * lines).reshape(batch, lines)
    low, high = parameters.periphery.read_voltage
    if not _is_within(voltage, low, high):
        raise _outside("voltage", voltage, low, high)
    return voltage


def mask(block: Block, window: Window) -> NDArray[np.bool_]:
    """The cells of `window` that `block` selects with 1."""
    rows, cols = window.shape
    if block.size != rows * cols:
        raise ScpiError(-161, f"mask of {block.size} bytes, the region has {rows * cols} cells")
    if block.max() > 1:
        raise ScpiError(-161, f"mask byte {block.max()} is neither 0 nor 1")
    return block.view(np.bool_).reshape(rows, cols)


def amplitude(
    name: str,
    block: Block,
    dtype: np.dtype[Any],
    cells: NDArray[np.bool_],
    limit: tuple[float, float],
) -> NDArray[np.float64]:
    """The amplitude of every cell of a mask, V, from one value for all or one for each."""
    low, high = limit
    one = block.size == dtype.itemsize
    values = _numbers(name, block, dtype, 1 if one else cells.size)
    every = np.broadcast_to(values, cells.shape) if one else values.reshape(cells.shape)
    if not _is_within(values, low, high):
        addressed = every[cells]
        if not _is_within(addressed, low, high):
            raise _outside(name, addressed, low, high)
        every = np.where(cells, every, dtype.type(low))  # what stands elsewhere means nothing
    widened = np.array(every, np.float64, order="C")
    if dtype == np.float32:
        # float32(0.9) meets a limit of 0.9 V, but widened it is 2e-8 V below.
        np.clip(widened, low, high, out=widened)
    return widened


def _numbers(name: str, block: Block, dtype: np.dtype[Any], count: int) -> FloatArray:
    if block.size != count * dtype.itemsize:
        raise ScpiError(
            -161, f"{name} of {block.size} bytes, {count} numbers have {count * dtype.itemsize}"
        )
    little = block.view(dtype.newbyteorder("<"))
    return little.astype(dtype, copy=False)


def _is_within(array: FloatArray, low: float, high: float) -> bool:
    if array.size == 0:
        return True
    kind = array.dtype.type
    # NaN makes both comparisons false.
    return bool(array.min() >= kind(low) and array.max() <= kind(high))


def _outside(name: str, array: FloatArray, low: float, high: float) -> ScpiError:
    kind = array.dtype.type
    wrong = array[~((array >= kind(low)) & (array <= kind(high)))]
    shown = f"{wrong[0]:.9g} V" if math.isfinite(wrong[0]) else f"{wrong[0]}"
    return ScpiError(
        -222, f"{wrong.size} of {array.size} {name} values outside {low:g} ... {high:g} V: {shown}"
    )
