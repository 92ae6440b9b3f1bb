from pathlib import Path

import pytest

from rgnn_hal.characterization import Characterization, Plan, characterize
from rgnn_hal.macro import open_macro


@pytest.fixture(scope="session")
def measured() -> Characterization:
    """Everything about the first 128 x 128 cells of an emulated chip."""
    with open_macro("emulator://?seed=1") as macro:
        return characterize(macro, Plan.for_macro(macro.spec))


@pytest.fixture(scope="session")
def ni_rram() -> Path:
    """Public measurements of a real chip, outside this repository."""
    folder = Path(__file__).parents[2].parent / "shared" / "data" / "ni_rram"
    if not folder.is_dir():
        pytest.skip(f"the public measurements of a real chip are not at {folder}")
    return folder
