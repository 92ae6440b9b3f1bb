"""The emulated 512 x 512 chip: how many plain matrix products does a measurement cost?

`noisy_bN`: a product of N float32 vectors with all its noise and conversions, through the public
`Macro.multiply`, over the time of the plain float32 product of the same shape; `bitserial8_b1024`
the same for 1024 vectors as eight on/off planes with a conversion each, over one plain product of
1024: mean and variance of eight planes are sixteen plain products by themselves. `irdrop_b1024` is
the same as `noisy_b1024` on a chip with wires, and `transfer_matrix_512_s` what its first product
takes longer. Reference rates stand beside (`gemm_bN_gflops`). Forming and writing are the best of
several chips, one after another.
"""

import resource
import sys
import time
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.benchmarks.alone import Numbers
from rgnn_hal.benchmarks.timing import best_times
from rgnn_hal.macro import Macro, open_macro
from rgnn_hal.programming import form, write_verify
from rgnn_hal.progress import Progress, silent

_URI = "emulator://?seed=1"
_BATCHES = (1, 64, 1024)
_PLANES = 8
_WIRED_URI = "emulator://?seed=1&preset=chip40nm-wires"
_STEPS = 4 + len(_BATCHES)
_LABEL = "bench emulator"

Single = NDArray[np.float32]


def measure(seconds: float, progress: Progress = silent) -> Numbers:
    """All figures; chips are written, and each of the products is timed, for about `seconds`.

    `peak_memory_mb` is that of the whole process with a chip that was formed, programmed and read,
    `empty_memory_mb` that of the interpreter and what it has imported before there was a chip.
    """
    figures: Numbers = {"empty_memory_mb": _peak_memory()}
    progress(0, _STEPS, _LABEL)
    figures |= _writing(seconds)
    progress(1, _STEPS, _LABEL)
    with open_macro(_URI) as macro:
        _form(macro)
        _program(macro)
        for step, batch in enumerate(_BATCHES, start=2):
            progress(step, _STEPS, _LABEL)
            figures |= _product(macro, batch, seconds)
        figures["peak_memory_mb"] = _peak_memory()
        progress(_STEPS - 2, _STEPS, _LABEL)
        figures["bitserial8_b1024"] = _bit_planes(macro, seconds)
    progress(_STEPS - 1, _STEPS, _LABEL)
    figures |= _wires(seconds)
    progress(_STEPS, _STEPS, _LABEL)
    return figures


def _writing(seconds: float) -> Numbers:
    """Best rates of as many chips as are formed and written in about `seconds`, at least one."""
    rates: list[tuple[float, float]] = []
    stop = time.perf_counter() + seconds
    while not rates or time.perf_counter() < stop:
        with open_macro(_URI) as macro:
            rates.append((_form(macro), _program(macro)))
    formed, programmed = map(max, zip(*rates, strict=True))
    return {"form_cells_per_second": formed, "program_cells_per_second": programmed}


def _form(macro: Macro) -> float:
    start = time.thread_time()
    form(macro)
    return macro.spec.region.cells / (time.thread_time() - start)


def _program(macro: Macro) -> float:
    """Write-verify of uniform targets on a formed chip: cells over s, at the default tolerance."""
    window = macro.spec.conductance
    shape = macro.spec.region.shape
    target = np.random.default_rng(0).uniform(window.low, window.high, shape)
    start = time.thread_time()
    write_verify(macro, target)
    return macro.spec.region.cells / (time.thread_time() - start)


def _product(macro: Macro, batch: int, seconds: float) -> Numbers:
    voltage = _voltages(macro, batch)
    gemm, ours = _against_gemm(macro, voltage, batch, seconds)
    rate = 2e-9 * batch * macro.spec.region.cells / gemm
    return {f"noisy_b{batch}": ours / gemm, f"gemm_b{batch}_gflops": rate}


def _bit_planes(macro: Macro, seconds: float) -> float:
    batch = _BATCHES[-1]
    bits = np.random.default_rng(1).integers(0, 2, (_PLANES * batch, macro.spec.rows))
    planes = bits.astype(np.float32) * np.float32(macro.spec.read_voltage.high)
    gemm, ours = _against_gemm(macro, planes, batch, seconds)
    return ours / gemm


def _wires(seconds: float) -> Numbers:
    batch = _BATCHES[-1]
    with open_macro(_WIRED_URI) as macro, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "wires take", RuntimeWarning)  # a full read is the point
        form(macro)
        voltage = _voltages(macro, batch)
        start = time.thread_time()
        macro.multiply(voltage)
        first = time.thread_time() - start
        gemm, ours = _against_gemm(macro, voltage, batch, seconds)
    return {"irdrop_b1024": ours / gemm, "transfer_matrix_512_s": first - ours}


def _against_gemm(macro: Macro, voltage: Single, batch: int, seconds: float) -> tuple[float, float]:
    """Time of a plain product of the first `batch` vectors, and of the macro's of all, s."""
    weights = np.random.default_rng(0).random((macro.spec.rows, macro.spec.cols), np.float32)
    some = voltage[:batch]

    def plain() -> Any:
        return some @ weights

    def analog() -> Any:
        return macro.multiply(voltage)

    gemm, ours = best_times([plain, analog], seconds=seconds)
    return gemm, ours


def _voltages(macro: Macro, batch: int) -> Single:
    limit = macro.spec.read_voltage
    drawn = np.random.default_rng(2).uniform(limit.low, limit.high, (batch, macro.spec.rows))
    voltage: Single = drawn.astype(np.float32)
    return voltage


def _peak_memory() -> float:
    """Of this process so far, MB of 1e6 bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
