"""`rgnn-hal bands`: a picture, figures, and mistakes explained."""

import json
from collections.abc import Callable
from pathlib import Path

import ase.io
import pytest

from rgnn_hal import open_macro
from rgnn_hal.tasks.hamiltonian import (
    HamiltonianFile,
    HamiltonianRecipe,
    save_model,
    train_hamiltonian,
)

Run = Callable[..., tuple[int, str, str]]
DATA = Path(__file__).parents[2] / "examples" / "data" / "graphene_4x4_s2p1.h5"
MACRO = "emulator://?seed=1&exact=true"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Graphene, learnt from two frames."""
    folder = tmp_path_factory.mktemp("bands") / "model"
    with open_macro(MACRO) as macro:
        result = train_hamiltonian(DATA, macro, HamiltonianRecipe(channels=12), macro_uri=MACRO)
    save_model(result.model, folder)
    return folder


def test_bands_are_drawn_over_the_reference_and_compared(
    run: Run, model: Path, tmp_path: Path
) -> None:
    with HamiltonianFile(DATA) as file:
        ase.io.write(tmp_path / "graphene.extxyz", file.frame(1).atoms)
    out = tmp_path / "bands.png"
    command = ("bands", model, tmp_path / "graphene.extxyz", "--path", "GKMG", "--out", out)
    options = ("--points", 20, "--spacing", 0.4)
    code, text, _ = run(*command, "--reference", DATA, *options, "--json")
    assert code == 0
    result = json.loads(text)
    assert out.read_bytes().startswith(b"\x89PNG")
    assert (result["electrons"], result["orbitals"], result["compared_bands"]) == (128, 160, 65)
    assert 0 < result["band_mae_mev"] < 20
    assert result["band_mae_mev"] < result["band_max_error_mev"]
    assert result["fermi_level_ev"] == pytest.approx(result["reference_fermi_level_ev"], abs=0.05)

    code, text, _ = run(*command, "--twin", *options, "--json")
    alone = json.loads(text)
    assert code == 0
    assert "band_mae_mev" not in alone
    assert (alone["electrons"], alone["macro"]) == (128, "twin")
    assert alone["fermi_level_ev"] == pytest.approx(result["fermi_level_ev"], abs=0.05)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--path", "GQ"), "whose points are A, G, H, K, L, M"),
        (("--path", "GK", "--frame", 7), "no 7"),
        (("--path", "GK", "--electrons", 1000), "no Fermi level"),
        (("--path", "GK", "--temperature", -1), "positive"),
        (("--path", "GK", "--reference", "nothing.h5"), "nothing.h5 is not a file"),
    ],
)
def test_a_mistake_is_explained_without_a_traceback(
    run: Run, model: Path, tmp_path: Path, options: tuple[object, ...], said: str
) -> None:
    command = ("bands", model, DATA, "--out", tmp_path / "bands.png", "--twin")
    code, text, error = run(*command, "--points", 4, "--spacing", 1.0, *options)
    assert code == 2
    assert said in error
    assert "Traceback" not in error
    assert not text
    assert not (tmp_path / "bands.png").exists()


def test_a_structure_without_periodicity_has_no_bands(
    run: Run, model: Path, tmp_path: Path
) -> None:
    with HamiltonianFile(DATA) as file:
        atoms = file.frame(0).atoms
    atoms.pbc = False
    ase.io.write(tmp_path / "flake.xyz", atoms)
    command = ("bands", model, tmp_path / "flake.xyz", "--path", "GK", "--out", "x.png")
    code, _, error = run(*command)
    assert code == 2
    assert "not periodic" in error
