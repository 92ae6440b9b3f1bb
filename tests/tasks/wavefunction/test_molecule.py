"""Molecules: what is understood and what is refused."""

import pytest
import torch

from rgnn_hal.macro import LimitError
from rgnn_hal.tasks.wavefunction import parse_molecule
from rgnn_hal.tasks.wavefunction.sampler import scatter


def test_a_molecule_is_read_in_bohr_or_angstrom() -> None:
    bohr = parse_molecule("H 0 0 0; H 0 0 1.4")
    angstrom = parse_molecule("h 0 0 0; H 0, 0, 0.740848095", unit="angstrom")
    assert torch.allclose(bohr.nuclei, angstrom.nuclei, atol=1e-8)
    assert bohr.nuclear_repulsion == pytest.approx(1 / 1.4)


@pytest.mark.parametrize(
    ("text", "up", "down"),
    [("C 0 0 0", 4, 2), ("N 0 0 0", 5, 2), ("H 0 0 0; H 0 0 1", 1, 1), ("Ne 0 0 0", 5, 5)],
)
def test_spins_follow_hund_for_atoms_and_pair_up_in_molecules(
    text: str, up: int, down: int
) -> None:
    molecule = parse_molecule(text)
    assert (molecule.up, molecule.down) == (up, down)


@pytest.mark.parametrize(
    ("text", "options", "complaint"),
    [
        ("H 0 0 0; H 0 0 1.4", {"spin": 1}, "even number of unpaired"),
        ("Li 0 0 0", {"spin": 0}, "odd number of unpaired"),
        ("He 0 0 0", {"spin": 4}, "between 0 and 2"),
        ("Na 0 0 0", {}, "element 'Na'"),
        ("H 0 0 0; H 0 0 0.01", {}, "0.01 bohr apart"),
        ("H 0 0", {}, "three coordinates"),
        ("H 0 0 x", {}, "no number"),
        ("H 0 0 nan", {}, "not finite"),
        ("", {}, "no atoms"),
        ("H 0 0 0", {"charge": 1}, "0 electrons"),
        ("H 0 0 0", {"unit": "pm"}, "neither bohr nor angstrom"),
    ],
)
def test_mistakes_are_refused_in_a_sentence(
    text: str, options: dict[str, int], complaint: str
) -> None:
    with pytest.raises(LimitError, match=complaint):
        parse_molecule(text, **options)  # type: ignore[arg-type]


def test_walkers_start_with_both_spin_arrangements_of_a_stretched_bond() -> None:
    molecule = parse_molecule("H 0 0 0; H 0 0 40")
    at_first = scatter(molecule, 100, seed=0).positions[:, :, 2] < 20
    assert torch.equal(at_first.sum(1), torch.ones(100, dtype=torch.int64))
    assert int(at_first[:, 0].sum()) == 50
