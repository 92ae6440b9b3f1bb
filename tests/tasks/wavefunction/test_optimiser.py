"""Contests between parameters, and the moments that steps are made of."""

from dataclasses import replace

import torch

from rgnn_hal.tasks.wavefunction import WavefunctionRecipe, begin, parse_molecule
from rgnn_hal.tasks.wavefunction.ansatz import Parameters
from rgnn_hal.tasks.wavefunction.optimiser import Champion, Sample, contest, estimate, improve
from rgnn_hal.tasks.wavefunction.reference import ansatz_of
from rgnn_hal.tasks.wavefunction.sampler import scatter, walk
from rgnn_hal.tasks.wavefunction.steps import moments
from tests.tasks.wavefunction.conftest import Trial

HELIUM = Trial(parse_molecule("He 0 0 0"))
STEADY = replace(HELIUM.parameters, head=torch.zeros_like(HELIUM.parameters.head))


def drawn_from(parameters: Parameters, walkers: int = 1500) -> Sample:
    population = scatter(HELIUM.molecule, walkers, seed=3)
    log_guide = walk(HELIUM.ansatz, parameters, population, 60, adapt=True)
    return Sample.of([HELIUM.scene(population.positions)], log_guide)


def spoilt() -> Parameters:
    """A hartree worse, and so far off that a sample of one says little of the other."""
    head = STEADY.head.clone()
    head[0] = -5.0
    return replace(STEADY, head=head)


def test_a_challenger_that_is_worse_is_taken_back() -> None:
    sample = drawn_from(spoilt())
    first, _ = contest(HELIUM.ansatz, None, STEADY, drawn_from(STEADY))
    assert first.parameters is STEADY
    kept, found = contest(HELIUM.ansatz, first, spoilt(), sample)
    assert kept.parameters is STEADY
    assert kept.defended == 1
    assert found.score > first.score


def test_a_challenger_that_is_better_is_kept() -> None:
    worse = Champion(spoilt(), estimate(HELIUM.ansatz, spoilt(), drawn_from(spoilt())).score, 2)
    kept, found = contest(HELIUM.ansatz, worse, STEADY, drawn_from(STEADY))
    assert kept.parameters is STEADY
    assert (kept.score, kept.defended) == (found.score, 0)


def test_no_step_is_chosen_that_its_judges_do_not_like() -> None:
    step = improve(HELIUM.ansatz, STEADY, drawn_from(STEADY))
    assert step.after.score <= step.before.score
    assert step.after.efficiency >= 0.5 * step.before.efficiency


def test_steps_too_long_for_a_sample_are_shortened() -> None:
    state = begin(parse_molecule("C 0 0 0"), WavefunctionRecipe(walkers=1500), "emulator://")
    ansatz, start = ansatz_of(state.molecule), state.parameters
    log_guide = walk(ansatz, start, state.walkers, 30, adapt=True, power=0.8)
    sample = Sample.of([ansatz.scene(state.walkers.positions, None)], log_guide)
    step = improve(ansatz, start, sample)
    assert step.after.energy < step.before.energy - 0.1
    assert step.after.efficiency >= 0.5 * step.before.efficiency


def test_moments_are_averages_over_centred_derivatives() -> None:
    positions = HELIUM.positions(300)
    local, derivative = HELIUM.ansatz.differentiate(HELIUM.scene(positions), HELIUM.parameters)
    share = torch.full((300,), 1.0 / 300.0, dtype=torch.float64)
    mean = float(local.energy.mean())
    halves = [
        (
            share[part],
            type(local)(local.logarithm[part], local.sign[part], local.energy[part]),
            type(derivative)(derivative.plain[part], derivative.acted[part]),
        )
        for part in (slice(0, 120), slice(120, None))
    ]
    found = moments(halves, mean)
    plain = derivative.plain - derivative.plain.mean(0)
    acted = derivative.acted - derivative.plain.mean(0) * local.energy[:, None]
    rise = derivative.acted - local.energy[:, None] * derivative.plain
    rise = rise - rise.mean(0)
    assert torch.allclose(found.overlap[1:, 1:], plain.T @ plain / 300, rtol=1e-8, atol=1e-10)
    assert torch.allclose(found.hamiltonian[1:, 1:], plain.T @ acted / 300, rtol=1e-8, atol=1e-9)
    assert torch.allclose(found.slopes, rise.T @ rise / 300, rtol=1e-8, atol=1e-8)
    assert torch.allclose(found.descent, rise.T @ (local.energy - mean) / 300, rtol=1e-8, atol=1e-8)
