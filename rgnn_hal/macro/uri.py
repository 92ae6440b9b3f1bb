"""Macro addresses: `scheme://address?key=value&key=value`.

The scheme names a driver, the address says where the hardware is, and the query fills the driver's
typed options. Percent-encoding works as in any URI.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ValidationError

from rgnn_hal.macro.errors import ConfigurationError

_Options = TypeVar("_Options", bound=BaseModel)


@dataclass(frozen=True)
class MacroUri:
    """A parsed macro address."""

    scheme: str
    address: str
    query: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Split `text`.

        Raises:
            ConfigurationError: no scheme, or a query key given twice or without "=".
        """
        try:
            parts = urlsplit(text)
            address = unquote(parts.netloc + parts.path, errors="strict")
            query = _query(parts.query)
        except ValueError as error:
            raise ConfigurationError(f"macro address {text!r} is no URI: {error}") from error
        if not parts.scheme or not text.lstrip().lower().startswith(f"{parts.scheme}://"):
            raise ConfigurationError(
                f"macro address {text!r} has no scheme; write scheme://..., e.g. emulator://?seed=7"
            )
        if parts.fragment:
            raise ConfigurationError(
                f"macro address {text!r} has a '#': write it as %23 inside a value"
            )
        return cls(parts.scheme, address, query)

    def options(self, model: type[_Options]) -> _Options:
        """The query as a driver's typed options; `model` should forbid extra keys.

        Raises:
            ConfigurationError: naming every unknown key and every value that does not fit.
        """
        try:
            return model.model_validate(self.query)
        except ValidationError as error:
            complaints = "; ".join(
                f"{'.'.join(map(str, item['loc']))}={item['input']!r}: {item['msg']}"
                for item in error.errors(include_url=False)
            )
            known = ", ".join(model.model_fields)
            raise ConfigurationError(
                f"bad query of {self.scheme}://{self.address}: {complaints}. Known keys: {known}"
            ) from error


def _query(text: str) -> dict[str, str]:
    # Not parse_qsl: it decodes forms, where "+" is a space, and would open another file for a+b.h5.
    query: dict[str, str] = {}
    for pair in text.split("&") if text else []:
        key, equals, value = (unquote(part, errors="strict") for part in pair.partition("="))
        if not equals:
            raise ValueError(f"{pair!r} is not of the form key=value")
        if key in query:
            raise ValueError(f"{key!r} is given twice; give it once")
        query[key] = value
    return query
