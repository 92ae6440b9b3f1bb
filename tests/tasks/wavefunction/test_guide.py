"""The guide by moves of one electron, against the whole wavefunction from scratch."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rgnn_hal.tasks.wavefunction import Molecule, parse_molecule
from rgnn_hal.tasks.wavefunction.ansatz import Parameters
from rgnn_hal.tasks.wavefunction.guide import Guide, Standing
from tests.tasks.wavefunction.conftest import Trial

MOLECULES = {
    "two electrons": parse_molecule("H 0 0 0; H 0 0 1.4"),
    "one electron": parse_molecule("H 0 0 0; H 0 0 2", charge=1),
    "equal spins only": parse_molecule("H 0 0 0; H 0 0 3", spin=2),
    "two elements, both kinds of pairs": parse_molecule("Li 0 0 0; H 0 0 3.015"),
    "three up, one down": parse_molecule("Be 0 0 0", spin=2),
}


def guide_of(trial: Trial) -> tuple[Guide, Parameters]:
    """Its guide, and the parameters of the wavefunction that the guide is."""
    parameters = trial.parameters
    if trial.molecule.electrons > 1:
        parameters = replace(parameters, head=parameters.head[: trial.ansatz.digital_features])
    return Guide.of(trial.ansatz, trial.parameters), parameters


@pytest.mark.parametrize("molecule", MOLECULES.values(), ids=MOLECULES)
def test_its_logarithm_is_that_of_psi_without_the_network(molecule: Molecule) -> None:
    trial = Trial(molecule)
    guide, parameters = guide_of(trial)
    positions = trial.positions(20)
    expected = trial.ansatz.local(trial.ansatz.scene(positions, None), parameters).logarithm
    assert torch.allclose(Standing(guide, positions).logarithm, expected, atol=1e-10)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(list(MOLECULES.values())), st.data())
def test_moves_that_were_taken_leave_the_tables_of_a_fresh_start(
    molecule: Molecule, data: st.DataObject
) -> None:
    trial = Trial(molecule)
    guide, _ = guide_of(trial)
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 1000)))
    standing = Standing(guide, trial.positions(6))
    for electron in data.draw(st.lists(st.integers(0, molecule.electrons - 1), max_size=6)):
        shift = torch.randn((6, 3), generator=generator, dtype=torch.float64)
        move, gain = standing.consider(electron, standing.positions[:, electron] + shift)
        before, taken = standing.logarithm, torch.rand(6, generator=generator) < 0.5
        standing.take(move, taken)
        expected = before + torch.where(taken, gain, 0.0)
        assert torch.allclose(standing.logarithm, expected, atol=1e-9)
    fresh = Standing(guide, standing.positions.clone())
    assert torch.allclose(standing.logarithm, fresh.logarithm, atol=1e-9)
