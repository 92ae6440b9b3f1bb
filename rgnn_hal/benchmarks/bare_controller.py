"""A controller without a chip: it says what the dialect wants said, at once, and does nothing.

Beside a served chip, whose calculations take a hundred times as long as its messages, this is what
shows the cost of a driver. `python -m rgnn_hal.benchmarks.bare_controller` prints its port and
serves until it is killed. Currents are a block of 1 MiB that was drawn once.
"""

import json
import re
import socket
import threading

import numpy as np

LINES = 512
"""Rows, columns, and vectors of the block."""

_TAIL = re.compile(rb":?SYST:ERR:ALL\?;:SYST:TAG\? (\d+)\n$")
_HEADER = re.compile(rb"#([1-9])")

_SPEC = {
    "identity": "bare",
    "rows": LINES,
    "cols": LINES,
    "conductance": {"low": 1e-6, "high": 40e-6},
    "read_voltage": {"low": -0.2, "high": 0.2},
    "pulses": {},
    "current": {"low": -1e-3, "high": 1e-3},
    "dac_bits": None,
    "adc_bits": None,
    "read_noise": 0.0,
    "max_batch": LINES,
    "max_samples": 1,
    "read_time": 1e-6,
    "capabilities": ["virtual-clock"],
    "dialect": 1,
    "max_message_bytes": 1 << 24,
    "clock": "virtual",
    "watchdog_s": 0.0,
}


def _answers() -> dict[bytes, bytes]:
    """By the first letters of a command."""
    currents = np.random.default_rng(0).uniform(-1e-3, 1e-3, (LINES, LINES)).astype("<f4")
    blocks = json.dumps(_SPEC).encode(), currents.tobytes()
    described, current = (b"#%d%d" % (len(str(len(b))), len(b)) + b + b";" for b in blocks)
    return {
        b"*CLS;*IDN?": b"rgnn_hal,bare,0,1.0;",
        b"SYST:CAP?": described,
        b"SYST:LOCK:REQ?": b"1;",
        b"MACR:TIME?": b"0.5;",
        b"MACR:CURR?": current,
    }


def main() -> None:
    """Serve until killed."""
    answers = _answers()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_converse, args=(connection, answers), daemon=True).start()


def _converse(connection: socket.socket, answers: dict[bytes, bytes]) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    room = memoryview(bytearray(1 << 23))
    filled = 0
    while count := connection.recv_into(room[filled:]):
        filled += count
        if _rest_of_block(room[:filled]) > 0:
            continue
        end = _TAIL.search(room[max(0, filled - 64) : filled])
        if end is None:
            continue
        head = bytes(room[:20])
        item = next((answers[command] for command in answers if head.startswith(command)), b"")
        connection.sendall(b'%b0,"No error";%b\n' % (item, bytes(end[1])))
        filled = 0


def _rest_of_block(message: memoryview) -> int:
    """How many bytes of the message's block are still to come."""
    header = _HEADER.search(message[:128])
    if header is None:
        return 0
    digits = int(bytes(header[1]))
    start = header.end() + digits
    if len(message) < start:
        return 1
    return start + int(bytes(message[header.end() : start])) - len(message)


if __name__ == "__main__":
    main()
