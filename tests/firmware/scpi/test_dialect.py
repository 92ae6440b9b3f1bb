"""The dialect's page and the table of commands name the same commands."""

import re
from importlib import resources
from itertools import combinations

import pytest

from rgnn_hal_firmware.scpi.conversation import COMMANDS, Conversation
from rgnn_hal_firmware.scpi.errors import ScpiError

PAGE = resources.files("rgnn_hal_firmware").joinpath("scpi", "README.md").read_text("utf-8")


def test_the_page_and_the_code_name_the_same_commands() -> None:
    table = PAGE.split("## Commands")[1].split("## Errors")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    written = [header for cell in cells for header in re.findall(r"`([^`<]+?)(?: <[^`]*)?`", cell)]
    assert sorted(written) == sorted(command.header for command in COMMANDS)


def test_the_page_names_every_error_that_the_code_has() -> None:
    listed = {
        int(text) for text in re.findall(r"(?<![\w.])-?\d{3}(?=[ ,.;])", PAGE.split("## Errors")[1])
    }
    assert listed >= {-100, -350, 101, 104}
    for number in listed:
        assert ScpiError(number).entry.startswith(f"{number},")


def test_no_two_commands_are_spelled_alike() -> None:
    for one, other in combinations(COMMANDS, 2):
        assert not set(one.spellings()) & set(other.spellings()), (one.header, other.header)


@pytest.mark.parametrize(
    "header",
    ["SYST:ERR?", "system:error?", ":SYSTem:ERR:NEXT?", "SYST:ERROR:NEXT?", "sYsT:eRr:NeXt?"],
)
def test_headers_match_in_both_forms_and_any_case(talk: Conversation, header: str) -> None:
    assert talk.reply(f"{header}\n".encode()) == b'0,"No error"\n'


@pytest.mark.parametrize(
    "header", ["SYSTE:ERR?", "SYST:ERR1?", "SYST:ERR", "SYST::ERR?", "SYST:ERR:?", "ERR?", "*IDN"]
)
def test_nothing_in_between_matches(talk: Conversation, header: str) -> None:
    assert talk.reply(f"{header}\n".encode()) == b""
    assert talk.reply(b"SYST:ERR?\n").startswith(b"-113,")
