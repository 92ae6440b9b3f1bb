"""Record: a session on a macro in a file, to the last bit, from which `Replay` plays the macro.

The file is JSON lines: the spec, then every call with its arguments and what came of it. Arrays are
kept whole (base64: 1.33 times their bytes), so record sessions, not months. A session whose process
was killed can be replayed up to there.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from rgnn_hal.lines import LineFile, encode
from rgnn_hal.macro import ConfigurationError, HalError, Macro
from rgnn_hal.wrappers._forward import Arguments, Forwarding

_T = TypeVar("_T")


class Record(Forwarding):
    """A macro whose session is recorded in a new file.

    Raises:
        ConfigurationError: the file exists, or cannot be made.
        DeviceError: the disk is full.
    """

    def __init__(self, inner: Macro, path: str | Path) -> None:
        path = Path(path)
        if path.exists():
            raise ConfigurationError(f"{path} exists; a recording is one session in a new file")
        self._lines = LineFile(path)
        try:
            self._lines.append({"recording": 1, "spec": inner.spec.model_dump(mode="json")})
        except BaseException:
            self._lines.close()
            raise
        super().__init__(inner)

    def _around(self, verb: str, arguments: Arguments, call: Callable[[], _T]) -> _T:
        record = {
            "verb": verb,
            "arguments": {name: encode(value) for name, value in arguments.items()},
        }
        try:
            result = call()
        except HalError as error:
            outcome = {"error": type(error).__name__, "message": str(error)}
            self._lines.append(record | outcome)
            raise
        else:
            self._lines.append(record | {"result": encode(result)})
            return result
        finally:
            if verb == "close":
                self._lines.close()
