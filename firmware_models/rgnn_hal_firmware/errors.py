"""How a chip fails: five exceptions, each message with the remedy."""


class FirmwareError(Exception):
    """Base of everything that a chip raises on purpose."""


class PresetError(FirmwareError):
    """There is no such parameter set, or its file does not hold what a chip needs."""


class ChipFileError(FirmwareError):
    """A chip file is damaged, foreign, of another version, or holds another chip."""


class ChipStorageError(FirmwareError):
    """A chip file is in use by somebody else, or cannot be read or written just now."""


class ServeError(FirmwareError):
    """A controller cannot be served as asked: its address is in use, not allowed or unknown."""
