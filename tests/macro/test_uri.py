"""Any text is either a macro address or a `ConfigurationError`."""

from typing import Any
from urllib.parse import quote

import hypothesis.strategies as st
import pytest
from hypothesis import example, given
from pydantic import BaseModel, ConfigDict

from rgnn_hal.macro import ConfigurationError, MacroUri, open_macro

SCHEMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
KEYS = st.text(min_size=1, max_size=8)
ODD = st.text(alphabet="ab:/?#[]@!$&'()*+,;=%~ \t\n\r\0é\ud800", max_size=30)


@given(st.one_of(st.text(), ODD, ODD.map("emulator://".__add__), st.binary().map(repr)))
@example("emulator://[")
@example("emulator://[::1")
@example("scpi://\u2100")
@example("emulator://?a=%ff")
@example("emulator://?" + "&" * 3)
def test_any_text_gives_an_address_or_a_configuration_error(text: str) -> None:
    try:
        parsed = MacroUri.parse(text)
    except ConfigurationError as error:
        assert str(error)
    else:
        assert text.strip().lower().replace("\t", "").startswith(f"{parsed.scheme}://")


@given(SCHEMES, st.text(), st.dictionaries(KEYS, st.text()))
def test_percent_encoded_addresses_and_values_come_back(
    scheme: str, address: str, query: dict[str, str]
) -> None:
    pairs = "&".join(
        f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in query.items()
    )
    parsed = MacroUri.parse(f"{scheme}://{quote(address, safe='')}?{pairs}")
    assert (parsed.scheme, parsed.address, dict(parsed.query)) == (scheme, address, query)


@pytest.mark.parametrize(
    ("text", "address", "query"),
    [
        ("emulator://?seed=7", "", {"seed": "7"}),
        ("emulator://?seed=7&state=chip.h5", "", {"seed": "7", "state": "chip.h5"}),
        ("emulator://?state=/data/a+b.h5", "", {"state": "/data/a+b.h5"}),
        ("emulator://", "", {}),
        ("scpi://localhost:5025", "localhost:5025", {}),
        ("scpi://[::1]:5025", "[::1]:5025", {}),
        (
            "scpi://?resource=TCPIP::10.0.0.2::5025::SOCKET&backend=@py",
            "",
            {"resource": "TCPIP::10.0.0.2::5025::SOCKET", "backend": "@py"},
        ),
        ("smu-matrix://?config=bench.toml", "", {"config": "bench.toml"}),
        ("EMULATOR://?seed=", "", {"seed": ""}),
    ],
)
def test_the_fixed_addresses_are_read(text: str, address: str, query: dict[str, str]) -> None:
    parsed = MacroUri.parse(text)
    assert parsed.scheme == text.split(":")[0].lower()
    assert (parsed.address, dict(parsed.query)) == (address, query)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no scheme"),
        ("emulator", "no scheme"),
        ("emulator:?seed=1", "no scheme"),
        ("emulator:?a=://", "no scheme"),
        ("://?seed=1", "no scheme"),
        ("emulator://?seed", "not of the form key=value"),
        ("emulator://?seed=1&&exact=true", "not of the form key=value"),
        ("emulator://?seed=1&seed=1", "'seed' is given twice"),
        ("emulator://?state=a#b", "'#'"),
        ("emulator://?state=%ff", "is no URI"),
        ("emulator://?%ff=1", "is no URI"),
        ("scpi://%ff", "is no URI"),
    ],
)
def test_what_is_no_address_is_refused_with_the_reason(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match="macro address") as caught:
        MacroUri.parse(text)
    assert complaint in str(caught.value)
    with pytest.raises(ConfigurationError):
        open_macro(text)


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 0
    exact: bool = False


def test_the_query_fills_typed_options() -> None:
    options = MacroUri.parse("emulator://?seed=7&exact=true").options(Options)
    assert options == Options(seed=7, exact=True)


@given(st.dictionaries(KEYS, st.text(max_size=4)))
def test_any_query_gives_options_or_a_configuration_error(query: dict[str, Any]) -> None:
    try:
        options = MacroUri("emulator", "", query).options(Options)
    except ConfigurationError as error:
        assert "Known keys: seed, exact" in str(error)
    else:
        assert set(query) <= {"seed", "exact"}
        assert isinstance(options.seed, int)


def test_a_refusal_names_every_unknown_key_and_every_bad_value() -> None:
    with pytest.raises(ConfigurationError) as caught:
        MacroUri.parse("emulator://?seed=seven&noise=1").options(Options)
    for part in ("seed='seven'", "noise='1'", "Known keys: seed, exact"):
        assert part in str(caught.value)
