"""`scpi://` over loopback: how much longer does a verb take than its bytes on a raw socket?

Both speak to the same process in turn, and the best of many rounds counts, on the clock: most of
an exchange is waiting. `query_*`: one `clock` of a served 512 x 512 chip. `read_1mib_*` and
`write_1mib_*`: the `read` of 512 x 512 float32 currents and the `apply` of as many voltages, all
checks included, with a controller that has no chip (`bare_controller`), because a chip's
calculation would hide what is measured. `multiply_b1024_512_vs_in_process`: 1024 vectors through
the served chip, over the same product of an `emulator://` in this process. `program_512_seconds`:
write-verify of all cells of the served chip, formed before.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.benchmarks.alone import Numbers
from rgnn_hal.benchmarks.bare_controller import LINES
from rgnn_hal.benchmarks.timing import best_times
from rgnn_hal.macro import Macro, open_macro
from rgnn_hal.programming import form, write_verify
from rgnn_hal.progress import Progress, silent

_CHIP = "emulator://?seed=1"
_BATCH = 1024
_STEPS = 5
_LABEL = "bench visa"
_END = b";:SYST:ERR:ALL?;:SYST:TAG? 281474976710656\n"

_SERVE = f"""
import threading
from rgnn_hal.macro import serve_macro
with serve_macro({_CHIP!r}, port=0) as served:
    print(served.port, flush=True)
    threading.Event().wait()
"""

Single = NDArray[np.float32]


def measure(seconds: float, progress: Progress = silent) -> Numbers:
    """All figures; each is timed for about `seconds`, `program_512_seconds` once."""
    figures: Numbers = {}
    with _bare_controller() as port:
        progress(0, _STEPS, _LABEL)
        figures["read_1mib_vs_raw_socket"] = _reading(port, seconds)
        progress(1, _STEPS, _LABEL)
        figures["write_1mib_vs_raw_socket"] = _writing(port, seconds)
    with _served_chip() as port:
        progress(2, _STEPS, _LABEL)
        figures |= _query(port, seconds)
        with open_macro(f"scpi://127.0.0.1:{port}") as macro, open_macro(_CHIP) as here:
            progress(3, _STEPS, _LABEL)
            form(macro)
            form(here)
            figures["multiply_b1024_512_vs_in_process"] = _products(macro, here, seconds)
            progress(4, _STEPS, _LABEL)
            figures["program_512_seconds"] = _program(macro)
    progress(_STEPS, _STEPS, _LABEL)
    return figures


def _query(port: int, seconds: float) -> Numbers:
    with _raw(port) as connection, open_macro(f"scpi://127.0.0.1:{port}") as macro:

        def raw() -> None:
            connection.sendall(b"MACR:TIME?" + _END)
            while not connection.recv(1 << 16).endswith(b"\n"):
                pass

        plain, ours = best_times([raw, macro.clock], seconds=seconds, clock=time.perf_counter)
    return {"query_us": 1e6 * ours, "query_vs_raw_socket": ours / plain}


def _reading(port: int, seconds: float) -> float:
    room = memoryview(bytearray(4 * LINES**2 + 128))

    def raw(connection: socket.socket) -> None:
        connection.sendall(b"MACR:CURR? 1" + _END)
        filled = 0
        while filled < 4 * LINES**2 or room[filled - 1] != 10:
            filled += connection.recv_into(room[filled:])

    def verb(macro: Macro) -> object:
        return macro.read()

    return _against_raw(port, raw, verb, seconds)


def _writing(port: int, seconds: float) -> float:
    voltage = _voltages(LINES)
    size = str(voltage.nbytes).encode()
    head = b"MACR:VOLT ROWS,0,512,0,512,512,REAL32,#%d%b" % (len(size), size)
    message = head + voltage.tobytes() + _END

    def raw(connection: socket.socket) -> None:
        connection.sendall(message)
        while not connection.recv(1 << 16).endswith(b"\n"):
            pass

    return _against_raw(port, raw, lambda macro: macro.apply(voltage), seconds)


def _against_raw(
    port: int,
    raw: Callable[[socket.socket], None],
    verb: Callable[[Macro], object],
    seconds: float,
) -> float:
    with _raw(port) as connection, open_macro(f"scpi://127.0.0.1:{port}?watchdog_s=0") as macro:
        macro.apply(_voltages(LINES))
        plain, ours = best_times(
            [lambda: raw(connection), lambda: verb(macro)],
            seconds=seconds,
            clock=time.perf_counter,
        )
    return ours / plain


def _products(macro: Macro, here: Macro, seconds: float) -> float:
    voltage = _voltages(_BATCH)
    remote, local = best_times(
        [lambda: macro.multiply(voltage), lambda: here.multiply(voltage)],
        seconds=seconds,
        clock=time.perf_counter,
    )
    return remote / local


def _program(macro: Macro) -> float:
    window = macro.spec.conductance
    target = np.random.default_rng(0).uniform(window.low, window.high, macro.spec.region.shape)
    start = time.perf_counter()
    write_verify(macro, target)
    return time.perf_counter() - start


def _voltages(batch: int) -> Single:
    drawn = np.random.default_rng(2).uniform(-0.2, 0.2, (batch, LINES))
    voltage: Single = drawn.astype(np.float32)
    return voltage


@contextmanager
def _raw(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection


@contextmanager
def _bare_controller() -> Iterator[int]:
    with _process("-m", "rgnn_hal.benchmarks.bare_controller") as port:
        yield port


@contextmanager
def _served_chip() -> Iterator[int]:
    with _process("-c", _SERVE) as port:
        yield port


@contextmanager
def _process(*arguments: str) -> Iterator[int]:
    """A Python process that prints the port it serves, until it is killed."""
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            yield int(child.stdout.readline())
        finally:
            child.kill()
