"""Macro addresses: `scheme://address?key=value&key=value`.

The scheme names a driver, the address says where the hardware is, and the query fills the driver's
typed options. Percent-encoding works as in any URI.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

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
            ConfigurationError: no scheme, or a query key given twice or without a value.
        """
        try:
            parts = urlsplit(text)
            pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        except ValueError as error:
            raise ConfigurationError(f"macro address {text!r} is no URI: {error}") from error
        if not parts.scheme or "://" not in text:
            raise ConfigurationError(
                f"macro address {text!r} has no scheme; write scheme://..., e.g. emulator://?seed=7"
            )
        if parts.fragment:
            raise ConfigurationError(
                f"macro address {text!r} has a '#': write it as %23 inside a value"
            )
        query: dict[str, str] = {}
        for key, value in pairs:
            if key in query:
                raise ConfigurationError(
                    f"macro address {text!r} gives {key!r} twice; give it once"
                )
            query[key] = value
        return cls(parts.scheme, unquote(parts.netloc + parts.path), query)

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
