"""Walkers against densities whose moments are known."""

import pytest
import torch

from rgnn_hal.tasks.wavefunction import parse_molecule
from rgnn_hal.tasks.wavefunction.ansatz import Ansatz, Parameters
from rgnn_hal.tasks.wavefunction.orbitals import slater_basis
from rgnn_hal.tasks.wavefunction.reference import ansatz_of, pair_excitations
from rgnn_hal.tasks.wavefunction.sampler import scatter, walk


def hydrogen_like(charge: int) -> tuple[Ansatz, Parameters]:
    text = {1: "H 0 0 0", 2: "He 0 0 0", 4: "Be 0 0 0"}[charge]
    molecule = parse_molecule(text, charge=charge - 1)
    basis = slater_basis(molecule)
    ansatz = Ansatz(molecule, basis, pair_excitations(molecule))
    orbitals = torch.zeros((basis.size, 1 if charge <= 2 else 5), dtype=torch.float64)
    orbitals[basis.shells[0].exponents.index(float(charge)), 0] = 1.0
    one = torch.zeros(ansatz.configurations.size, dtype=torch.float64)
    one[0] = 1.0
    return ansatz, Parameters(one, orbitals, torch.zeros(0, dtype=torch.float64))


@pytest.mark.parametrize("charge", [1, 2, 4])
def test_walkers_of_a_hydrogen_like_atom_have_its_radial_moments(charge: int) -> None:
    ansatz, parameters = hydrogen_like(charge)
    walkers = scatter(ansatz.molecule, 2000, seed=2)
    walk(ansatz, parameters, walkers, 100, adapt=True)
    assert 0.4 < walkers.accepted / walkers.proposed < 0.6
    first, second, inverse = [], [], []
    for _ in range(30):
        walk(ansatz, parameters, walkers, 4)
        r = walkers.positions[:, 0].norm(dim=-1)
        first.append(r.mean())
        second.append(r.square().mean())
        inverse.append(r.reciprocal().mean())
    # 60,000 samples, about a third independent
    assert float(torch.stack(first).mean()) * charge == pytest.approx(1.5, rel=0.02)
    assert float(torch.stack(second).mean()) * charge**2 == pytest.approx(3.0, rel=0.04)
    assert float(torch.stack(inverse).mean()) / charge == pytest.approx(1.0, rel=0.03)


def test_a_power_below_one_makes_walkers_go_further() -> None:
    ansatz, parameters = hydrogen_like(1)
    walkers = scatter(ansatz.molecule, 2000, seed=2)
    radii = []
    for sweep in range(30):
        walk(ansatz, parameters, walkers, 4, adapt=sweep < 10, power=0.5)
        radii.append(walkers.positions[:, 0].norm(dim=-1).mean())
    # |psi|^(2 * 0.5) = exp(-r), whose mean radius is 3 where exp(-2 r) has 1.5
    assert float(torch.stack(radii[10:]).mean()) == pytest.approx(3.0, rel=0.04)


def test_electrons_hop_between_distant_nuclei() -> None:
    molecule = parse_molecule("H 0 0 0; H 0 0 12", charge=1)
    ansatz = ansatz_of(molecule)
    orbitals = torch.zeros((ansatz.basis.size, 2), dtype=torch.float64)
    orbitals[[1, 1 + ansatz.basis.size // 2], 0] = 1.0  # the two 1s, as g orbital
    one = torch.ones(ansatz.configurations.size, dtype=torch.float64)
    parameters = Parameters(one, orbitals, torch.zeros(0, dtype=torch.float64))
    walkers = scatter(molecule, 400, seed=3)
    walkers.positions[:, 0] = torch.tensor([0.0, 0.0, 0.5])
    walk(ansatz, parameters, walkers, 30)
    at_first = (walkers.positions[:, 0, 2] < 6).double().mean()
    assert float(at_first) == pytest.approx(0.5, abs=0.12)


def test_the_same_seed_walks_the_same_way() -> None:
    ansatz, parameters = hydrogen_like(2)
    ends = []
    for seed in (5, 5, 6):
        walkers = scatter(ansatz.molecule, 50, seed)
        walk(ansatz, parameters, walkers, 5, adapt=True)
        ends.append(walkers.positions)
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])
