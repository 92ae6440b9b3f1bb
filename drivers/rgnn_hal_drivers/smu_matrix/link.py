"""One connection to an instrument that runs scripts: exchanges that are whole or raise.

An exchange is a script, begun by `loadandrunscript` and ended by `endscript`, and behind it
`print(errorqueue.next())`: the script runs on the instrument whatever becomes of the connection,
and the line about errors ends the answer. Bulk data are read in an exchange of their own, when it
is known that they are there.
"""

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import ConfigurationError, DeviceError, HalError, TransportError
from rgnn_hal_drivers.ownership import Ownership
from rgnn_hal_drivers.smu_matrix.tables import InstrumentConfig
from rgnn_hal_drivers.visa import canonical, open_stream
from rgnn_hal_drivers.visa_stream import Broken, Silent, Stream

_PATIENCE = 5.0
"""s that an answer may take beyond what was expected."""
_MOST_ERRORS = 100
_LONGEST_LINE = 4096
_NEXT_ERROR = "print(errorqueue.next())"
_ERROR_FIELDS = 4
"""Code, message, severity, node."""


class TspLink:
    """The connection to one instrument with an address of its own."""

    def __init__(self, name: str, config: InstrumentConfig) -> None:
        assert config.resource is not None
        self.name = name
        self._config = config
        self._resource = config.resource
        self._ownership = Ownership.take(canonical(config.resource))
        self._stream: Stream | None = None
        self._in_step = False
        """Whether every question that was sent has got its whole answer."""
        self._busy_until = 0.0
        """When the last script will have ended, on the monotonic clock."""
        self._connections = 0

    def connect(self) -> None:
        """Connect anew unless the connection is as it should be; verify who answers.

        Raises:
            TransportError: nobody answers.
            ConfigurationError: somebody else does.
        """
        if self._in_step:
            return
        if self._stream is not None:
            self._stream.close()
        with self._translated():
            self._stream = open_stream(self._resource, self._config.backend, _PATIENCE)
        self._connections += 1
        with self._dialogue(max(0.0, self._busy_until - time.monotonic())) as talk:
            # Script editors leave these on, and every answer would have lines more.
            talk.say("localnode.prompts=0 localnode.showerrors=0")
            # What a script still prints that was asked for on a broken connection comes first.
            talk.skip_to(f"rgnn-hal {os.getpid()} {self._connections}")
            fields = talk.ask("*IDN?").split(",")
            if len(fields) < 3:
                raise TransportError(
                    f"{self.name} is no instrument: *IDN? gives {fields[0][:80]!r}"
                )
            # "Model 2602B", and "MODEL 3706A" from the switches of the same maker.
            model = re.sub("^model +", "", fields[1].strip(), flags=re.IGNORECASE)
            verify(self.name, self._config, model, fields[2].strip())

    def run(self, lines: Sequence[str], seconds: float) -> list[str]:
        """Run a script that takes about `seconds`; the lines that it prints.

        Raises:
            DeviceError: the instrument has errors to report; its queue is empty afterwards.
            TransportError: the dialogue broke; what was done is unknown.
        """
        self._require_connection()
        printed, errors = [], []
        self._busy_until = time.monotonic() + 2 * seconds
        with self._dialogue(2 * seconds) as talk:
            script = ("loadandrunscript", *lines, "endscript") if lines else ()
            # As one message: on GPIB or USB a second one may throw answers to the first away.
            talk.say("\n".join((*script, _NEXT_ERROR)))
            while len(fields := talk.line().split("\t")) != _ERROR_FIELDS:
                printed.append(fields[0])
            while float(fields[0]) != 0:
                errors.append(f"{float(fields[0]):.0f}, {fields[1]!r}, node {float(fields[3]):.0f}")
                if len(errors) > _MOST_ERRORS:
                    raise TransportError(f"{self.name} reports errors without end: {errors[-1]}")
                fields = talk.ask(_NEXT_ERROR).split("\t")
        if errors:
            more = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
            raise DeviceError(f"{self.name} reports error {errors[0]}{more}")
        return printed

    def block(self, column: str, count: int) -> NDArray[np.float64]:
        """The first `count` numbers of a column of a reading buffer."""
        self._require_connection()
        with self._dialogue(0.0) as talk:
            talk.say(f"printbuffer(1, {count}, {column})")
            # An indefinite block: its length is not in it, and LF may be among its bytes.
            data = talk.exactly(2 + 4 * count + 1)
            if data[:2] != b"#0" or data[-1:] != b"\n":
                raise TransportError(f"{self.name} answers printbuffer with {data[:16]!r}")
        return np.frombuffer(data[2:-1], "<f4").astype(np.float64)

    def close(self) -> None:
        """Disconnect and let others have it. Idempotent."""
        if self._stream is not None:
            self._stream.close()
        self._ownership.release()

    def _require_connection(self) -> None:
        if not self._in_step:
            raise TransportError(f"{self.name}: the connection broke before; safe() connects anew")

    @contextmanager
    def _dialogue(self, seconds: float) -> Iterator["_Talk"]:
        """Questions and answers; whatever interrupts them, Ctrl-C too, puts us out of step."""
        assert self._stream is not None
        self._in_step = False
        with self._translated():
            yield _Talk(self._stream, time.monotonic() + _PATIENCE + seconds)
        self._in_step = True

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except HalError:
            raise
        except (Broken, Silent, ValueError, IndexError) as error:
            raise TransportError(
                f"{self.name} at {self._resource}: {error}; whether it has done what it was told "
                "is unknown"
            ) from error


class _Talk:
    """One dialogue over a stream, with a deadline."""

    def __init__(self, stream: Stream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def say(self, text: str) -> None:
        self._stream.send([text.encode("ascii") + b"\n"], self._deadline)

    def line(self) -> str:
        return self._stream.receive_line(_LONGEST_LINE, self._deadline).decode("latin-1")[:-1]

    def ask(self, question: str) -> str:
        self.say(question)
        return self.line()

    def skip_to(self, token: str) -> None:
        self.say(f'print("{token}")')
        self._stream.skip_through(token.encode("ascii") + b"\n", self._deadline)

    def exactly(self, count: int) -> bytes:
        return self._stream.receive(count, self._deadline)


def verify(name: str, config: InstrumentConfig, model: str, serial: str) -> None:
    """Raise ConfigurationError unless model and serial number are the configuration's."""
    if (model, serial) != (config.model, config.serial):
        raise ConfigurationError(
            f"{name} is model {model} with serial number {serial}, the configuration says "
            f"{config.model} with {config.serial}; correct one or the other"
        )
