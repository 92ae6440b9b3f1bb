"""How things fail: eight exceptions, and no others cross the library's interface.

Every message names the offending value, the limit it broke and what to do next. A call that raises
one of these before it reached the hardware has changed nothing.
"""


class HalError(Exception):
    """Base of every error that this library raises on purpose."""


class ConfigurationError(HalError, ValueError):
    """What was asked to be opened or combined does not exist or does not fit together.

    An unknown driver or query key, a chip file that is no chip file, an artefact of another chip.
    """


class LimitError(HalError, ValueError):
    """An argument lies outside what the macro allows: shape, window, voltage, width or NaN."""


class DataError(HalError, ValueError):
    """A file or a structure that science cannot be done with: wrong format, missing forces."""


class ClosedError(HalError):
    """The macro was closed before the call."""


class NotSupportedError(HalError):
    """The macro does not declare the capability that the call needs."""


class TransportError(HalError):
    """The connection failed: lost, silent beyond the time-out, or speaking nonsense.

    Whether the operation took effect is unknown; the macro is closed or has been resynchronised.
    """


class DeviceError(HalError):
    """The hardware itself refused or reported a fault, or belongs to somebody else just now."""
