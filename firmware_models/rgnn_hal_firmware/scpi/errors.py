"""Errors by number: SCPI-99 volume 2, chapter 21, and the four that are this controller's own.

An error becomes one entry of the queue, `<number>,"<standard text>;<what was wrong>"`. The detail
names the offending value and the limit that it broke.
"""

_TEXTS = {
    -100: "Command error",
    -101: "Invalid character",
    -102: "Syntax error",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -113: "Undefined header",
    -120: "Numeric data error",
    -131: "Invalid suffix",
    -161: "Invalid block data",
    -168: "Block data not allowed",
    -221: "Settings conflict",
    -222: "Data out of range",
    -223: "Too much data",
    -224: "Illegal parameter value",
    -240: "Hardware error",
    -310: "System error",
    -350: "Queue overflow",
    -363: "Input buffer overrun",
    101: "Watchdog grounded the array",
    102: "Array not owned",
    103: "Not supported by this macro",
    104: "State of the cells not stored",
}

_LONGEST = 255
"""Characters of an entry's text: SCPI-99, 21.8.2."""


class ScpiError(Exception):
    """A command was refused, and nothing has changed."""

    def __init__(self, number: int, detail: str = "") -> None:
        super().__init__(number, detail)
        self.number = number
        self.detail = detail

    @property
    def entry(self) -> str:
        """As the error queue shows it."""
        text = _TEXTS[self.number] + (f";{self.detail}" if self.detail else "")
        printable = "".join(c if " " <= c <= "~" else "?" for c in text[:_LONGEST])
        return f'{self.number},"{printable.replace(chr(34), chr(34) * 2)}"'


NO_ERROR = '0,"No error"'
