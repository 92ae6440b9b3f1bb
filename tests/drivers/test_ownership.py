"""Who owns an instrument: one process, whatever it calls the instrument and wherever it runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rgnn_hal.macro import DeviceError
from rgnn_hal_drivers.ownership import Ownership
from rgnn_hal_drivers.visa import canonical
from rgnn_hal_firmware.tsp import example_bench
from tests.drivers.probed_array import open_bench, write_config


@pytest.mark.parametrize(
    "names",
    [
        ("TCPIP::10.0.0.3::5025::SOCKET", "TCPIP0::10.0.0.3::5025::SOCKET"),
        ("TCPIP::smu1.lab::INSTR", "tcpip0::SMU1.lab::inst0::INSTR"),
        ("GPIB::26", "GPIB0::26::INSTR"),
        ("USB::0x05E6::0x2602::4000001", "USB0::0x05e6::0x2602::4000001::INSTR"),
    ],
)
def test_two_names_of_one_instrument_are_one(names: tuple[str, str]) -> None:
    first, second = map(canonical, names)
    assert first == second
    assert canonical(f"{names[0]}9") != first


def test_what_is_no_resource_is_left_to_whoever_opens_it() -> None:
    assert canonical("not::a::resource") == "NOT::A::RESOURCE"


def test_an_instrument_in_use_is_in_use_by_its_other_name_too(tmp_path: Path) -> None:
    with (
        example_bench(2, 2) as served,
        open_bench(served, tmp_path),
        pytest.raises(DeviceError, match=f"in use by process {os.getpid()}"),
    ):
        open_bench(served, tmp_path, edits={'"TCPIP::': '"TCPIP0::'})


_WINDOWS = """
import fcntl, os, select, socket, sys, types
import rgnn_hal.macro
import pyvisa_py.tcpip  # sees the platform as it is
import numpy as np
msvcrt = types.ModuleType("msvcrt")
msvcrt.LK_NBLCK = 2
def locking(descriptor, mode, count):
    assert (mode, count) == (2, 1) and os.lseek(descriptor, 0, os.SEEK_CUR) > 1 << 16
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
msvcrt.locking = locking
sys.modules.update(msvcrt=msvcrt, fcntl=None)
del os.pwrite, os.O_CLOEXEC, select.poll
def lacking(self):
    raise AttributeError("sendmsg")
socket.socket.sendmsg = property(lacking)
sys.platform = "win32"
macro = rgnn_hal.macro.open_macro(sys.argv[1])
print(type(macro).__name__, flush=True)
try:
    rgnn_hal.macro.open_macro(sys.argv[1])
except rgnn_hal.macro.DeviceError as error:
    assert f"in use by " in str(error), error
else:
    raise AssertionError("two owners")
rows, cols = macro.spec.rows, macro.spec.cols
batch = 200 if rows > 20 else 3  # of 38 kB, which is sent in pieces
assert macro.multiply(np.full((batch, rows), 0.1)).shape == (batch, cols)
every = np.ones((rows, cols), bool)
macro.pulse("set", every, voltage=np.linspace(1, 2, every.size).reshape(every.shape),
            gate_voltage=1.2, width=1e-3)
macro.close()
"""


def test_instruments_are_driven_without_what_windows_lacks(tmp_path: Path, uri: str) -> None:
    with example_bench(2, 2) as served:
        for address, name in ((write_config(served, tmp_path), "SmuMatrix"), (uri, "Scpi")):
            done = subprocess.run(
                [sys.executable, "-c", _WINDOWS, address], capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
            assert done.stdout == f"{name}Driver\n"


def test_the_lock_of_an_owner_that_ended_is_free() -> None:
    resource = f"TCPIP0::{os.getpid()}::SOCKET"
    code = (
        "import os, sys; from rgnn_hal_drivers.ownership import Ownership; "
        "Ownership.take(sys.argv[1]); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, resource]).returncode == 9
    owner = Ownership.take(resource)
    with pytest.raises(DeviceError, match=f"in use by process {os.getpid()}"):
        Ownership.take(resource)
    owner.release()
    owner.release()
    Ownership.take(resource).release()
