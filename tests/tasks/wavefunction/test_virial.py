"""The virial theorem, 2 T + V = 0: for exact states, and for what was optimised.

An energy that is stationary under a change of scale obeys it (Fock, Z. Phys. 63, 855 (1930)), so it
tests E_L's two parts against each other, which no total energy does.
"""

import pytest
import torch

from rgnn_hal import open_macro
from rgnn_hal.tasks.wavefunction import Limits, WavefunctionRecipe, begin, parse_molecule, solve
from rgnn_hal.tasks.wavefunction.ansatz import potential_energy
from rgnn_hal.tasks.wavefunction.features import PairNetwork
from rgnn_hal.tasks.wavefunction.reference import ansatz_of
from rgnn_hal.tasks.wavefunction.sampler import scatter, walk
from tests.tasks.wavefunction.test_sampler import hydrogen_like

EXACT = "emulator://?seed=3&exact=true"


@pytest.mark.parametrize("charge", [1, 2, 4])
def test_hydrogen_like_atoms_have_half_their_potential_energy(charge: int) -> None:
    ansatz, parameters = hydrogen_like(charge)
    walkers = scatter(ansatz.molecule, 1000, seed=2)
    walk(ansatz, parameters, walkers, 100, adapt=True)
    potential = []
    for _ in range(20):
        walk(ansatz, parameters, walkers, 4)
        energy = ansatz.local(ansatz.scene(walkers.positions, None), parameters).energy
        assert torch.allclose(energy, torch.tensor(-0.5 * charge**2).double(), atol=1e-9)
        potential.append(potential_energy(ansatz.molecule, walkers.positions).mean())
    # 20,000 samples of 1/r, whose standard deviation is its mean: 0.7 %, correlation doubles that
    assert float(torch.stack(potential).mean()) == pytest.approx(-(charge**2), rel=0.05)


def test_an_optimised_helium_atom_obeys_the_virial_theorem() -> None:
    recipe = WavefunctionRecipe(widths=(24, 12), walkers=500, samples=3000, iterations=2, seed=4)
    state = begin(parse_molecule("He 0 0 0"), recipe, EXACT)
    with open_macro(EXACT) as macro:
        solve(state, macro, Limits(steps=10))
    assert state.weights is not None
    ansatz, network = ansatz_of(state.molecule), PairNetwork(state.molecule, state.standards)
    sums = torch.zeros(3, dtype=torch.float64)
    for _ in range(40):
        log_guide = walk(ansatz, state.parameters, state.walkers, 5)
        here = state.walkers.positions
        features = network.features(here, state.weights.digital())
        local = ansatz.local(ansatz.scene(here, features), state.parameters)
        weight = torch.exp(2.0 * (local.logarithm - log_guide))
        potential = potential_energy(state.molecule, here)
        sums += torch.stack([weight, weight * potential, weight * local.energy]).sum(1)
    total, potential_sum, energy_sum = sums.tolist()
    potential_mean, energy = potential_sum / total, energy_sum / total
    # 20,000 samples of V, whose standard deviation is half its mean, and two steps correlate
    assert -potential_mean / (energy - potential_mean) == pytest.approx(2.0, abs=0.06)
