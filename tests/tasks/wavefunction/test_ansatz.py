"""The wavefunction's symmetries, cusps and derivatives, for arbitrary parameters."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rgnn_hal.tasks.wavefunction import parse_molecule
from rgnn_hal.tasks.wavefunction.ansatz import Parameters, potential_energy
from rgnn_hal.tasks.wavefunction.determinants import determinants, occupy
from tests.tasks.wavefunction.conftest import Trial

MOLECULES = ["He 0 0 0", "H 0 0 0; H 0.3 0 1.4", "Li 0 0 0; H 0 0 3", "B 0 0 0"]


def one_by_one(trial: Trial, positions: torch.Tensor) -> torch.Tensor:
    """psi at one walker from its definition alone, traceable by autograd."""
    molecule, parameters = trial.molecule, trial.parameters
    electrons = positions.reshape(-1, 3)
    distance = (electrons[:, None] - molecule.nuclei).norm(dim=-1)
    orbitals = trial.ansatz.basis.values(electrons[None]) @ parameters.orbitals
    product = torch.ones(trial.ansatz.configurations.size, dtype=torch.float64)
    for who, occupied in trial.ansatz.configurations.by_spin():
        product = product * determinants(occupy(orbitals[:, who], occupied))[0]
    exponent = -(1.0 - torch.exp(-molecule.charges * distance)).sum()
    kinds: dict[bool, torch.Tensor] = {}
    for i in range(molecule.electrons):
        for j in range(i + 1, molecule.electrons):
            opposite = (i < molecule.up) != (j < molecule.up)
            apart = (electrons[i] - electrons[j]).norm()
            exponent = exponent + (0.5 if opposite else 0.25) * (1.0 - torch.exp(-apart))
            seen = pair_inputs(trial, electrons[i], electrons[j])
            hidden = seen
            assert trial.network is not None
            for standard, mixing in zip(trial.network.standards, trial.mixings, strict=True):
                hidden = (hidden - standard.mean) * standard.scale
                hidden = torch.tanh(hidden @ torch.from_numpy(mixing.weights) + standard.bias)
            features = torch.cat([seen, hidden])
            kinds[opposite] = kinds.get(opposite, torch.zeros_like(features)) + features
    inputs = trial.ansatz.inputs.size
    ordered = [kinds[kind] for kind in (True, False) if kind in kinds]
    flat = torch.cat([part[:inputs] for part in ordered] + [part[inputs:] for part in ordered])
    return (product @ parameters.coefficients) * torch.exp(exponent + flat @ parameters.head)


def pair_inputs(trial: Trial, one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
    def g(a: float, r: torch.Tensor) -> torch.Tensor:
        return (1.0 + a * r) * torch.exp(-a * r)

    molecule = trial.molecule
    shells = [
        (0.5 * z, 1.0 * z, 2.0 * z) if z <= 2 else (0.5, 1.0, 2.0, 1.0 * z, 2.0 * z)
        for z in molecule.numbers
    ]
    at = [
        [(g(a, (one - nucleus).norm()), g(a, (two - nucleus).norm())) for a in shell]
        for shell, nucleus in zip(shells, molecule.nuclei, strict=True)
    ]
    flat = [pair for shell in at for pair in shell]
    apart = (one - two).norm()
    across = [
        p[0] * q[1] + p[1] * q[0]
        for first in range(len(at))
        for second in range(first + 1, len(at))
        for p, q in zip(at[first], at[second], strict=False)
    ]
    return torch.stack(
        [i + j for i, j in flat]
        + [i * j for i, j in flat]
        + [g(b, apart) for b in (0.4, 0.8, 1.6, 3.2)]
        + across
    )


def laplacian_by_autograd(trial: Trial, flat: torch.Tensor) -> torch.Tensor:
    x = flat.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(one_by_one(trial, x), x, create_graph=True)
    rows = [torch.autograd.grad(g, x, retain_graph=True)[0][k] for k, g in enumerate(gradient)]
    return torch.stack(rows).sum()


@pytest.mark.parametrize("text", MOLECULES)
def test_the_local_energy_is_that_of_nested_automatic_differentiation(text: str) -> None:
    trial = Trial(parse_molecule(text), seed=3)
    positions = trial.positions(2)
    local = trial.ansatz.local(trial.scene(positions), trial.parameters)
    for walker, energy in zip(positions, local.energy, strict=True):
        flat = walker.flatten()
        psi = one_by_one(trial, flat)
        laplacian = laplacian_by_autograd(trial, flat)
        reference = -0.5 * laplacian / psi + potential_energy(trial.molecule, walker[None])[0]
        assert float(energy) == pytest.approx(float(reference), rel=1e-9, abs=1e-8)


@pytest.mark.parametrize("text", MOLECULES)
def test_derivatives_by_parameters_are_those_of_finite_differences(text: str) -> None:
    trial = Trial(parse_molecule(text), seed=4)
    scene = trial.scene(trial.positions(3))
    local, slopes = trial.ansatz.differentiate(scene, trial.parameters)
    rise = slopes.acted - local.energy[:, None] * slopes.plain
    rng = np.random.default_rng(0)
    for _ in range(5):
        step = 1e-6 * torch.from_numpy(rng.normal(size=trial.parameters.size))
        plus, minus = (
            trial.ansatz.local(scene, trial.parameters.moved(sign * step)) for sign in (1, -1)
        )
        assert torch.allclose(
            plus.logarithm - minus.logarithm, 2 * slopes.plain @ step, rtol=1e-5, atol=1e-10
        )
        assert torch.allclose(plus.energy - minus.energy, 2 * rise @ step, rtol=1e-5, atol=1e-9)


@settings(max_examples=12)
@given(text=st.sampled_from(MOLECULES), seed=st.integers(0, 1000), data=st.data())
def test_exchanging_electrons_of_one_spin_only_flips_the_sign(
    text: str, seed: int, data: st.DataObject
) -> None:
    trial = Trial(parse_molecule(text), seed)
    up, down = trial.molecule.up, trial.molecule.down
    order_up = data.draw(st.permutations(range(up)))
    order_down = data.draw(st.permutations(range(up, up + down)))
    parity = np.linalg.det(np.eye(up)[order_up]) * np.linalg.det(
        np.eye(down)[[i - up for i in order_down]]
    )
    positions = trial.positions(5, seed)
    sign, logarithm = trial.value(positions)
    sign_after, logarithm_after = trial.value(positions[:, order_up + order_down])
    assert torch.allclose(logarithm, logarithm_after, atol=1e-9)
    assert torch.equal(sign_after, sign * round(float(parity)))


def spherical_slope(trial: Trial, electron: int, centre: torch.Tensor, radius: float) -> float:
    """d psi / dr / psi at `centre`, averaged over directions, one-sided."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(200, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    both = torch.from_numpy(np.concatenate([directions, -directions]))
    base = trial.positions(1).repeat(len(both) + 1, 1, 1)
    base[:, electron] = centre
    base[1:, electron] += radius * both
    base[0, electron] += 1e-9
    sign, logarithm = trial.value(base)
    psi = sign * torch.exp(logarithm - logarithm[0])
    return float((psi[1:].mean() - psi[0]) / (radius * psi[0]))


@pytest.mark.parametrize("text", MOLECULES)
def test_psi_falls_with_the_charge_at_every_nucleus(text: str) -> None:
    trial = Trial(parse_molecule(text), seed=5)
    for charge, nucleus in zip(trial.molecule.numbers, trial.molecule.nuclei, strict=True):
        slope = spherical_slope(trial, 0, nucleus, 1e-5)
        assert slope == pytest.approx(-charge, rel=2e-3)


def test_psi_rises_by_a_half_where_opposite_spins_meet() -> None:
    for text in MOLECULES:
        trial = Trial(parse_molecule(text), seed=6)
        last = trial.molecule.electrons - 1
        centre = trial.positions(1)[0, 0].clone()
        assert spherical_slope(trial, last, centre, 1e-5) == pytest.approx(0.5, rel=2e-3)


def test_psi_over_distance_rises_by_a_quarter_where_equal_spins_meet() -> None:
    trial = Trial(parse_molecule("B 0 0 0"), seed=7)
    base = trial.positions(1)
    direction = torch.tensor([0.36, 0.48, 0.8], dtype=torch.float64)
    ratios = []
    for radius in (1e-4, 2e-4):
        values = []
        for sign in (1, -1):
            here = base.clone()
            here[:, 1] = here[:, 0] + sign * radius * direction
            psi_sign, logarithm = trial.value(here)
            values.append(float(psi_sign * torch.exp(logarithm)) / radius)
        ratios.append(0.5 * (values[0] - values[1]))
    # psi = r (Y + ...)(1 + r/4 + O(r^2)): the odd part over r, extrapolated
    slope = (ratios[1] - ratios[0]) / 1e-4 / (2 * ratios[0] - ratios[1])
    assert slope == pytest.approx(0.25, rel=1e-2)


def test_hydrogen_like_atoms_are_exact_without_variance() -> None:
    for text, charge in (("H 0 0 0", 0), ("He 0 0 0", 1), ("Be 0 0 0", 3)):
        molecule = parse_molecule(text, charge=charge)
        trial = Trial(molecule)
        shell = trial.ansatz.basis.shells[0]
        orbitals = torch.zeros_like(trial.parameters.orbitals)
        orbitals[shell.exponents.index(float(molecule.numbers[0])), 0] = 1.0
        first = torch.zeros(trial.ansatz.configurations.size, dtype=torch.float64)
        first[0] = 1.0
        parameters = Parameters(first, orbitals, trial.parameters.head)
        local = trial.ansatz.local(trial.scene(trial.positions(200)), parameters)
        exact = -(molecule.numbers[0] ** 2) / 2
        assert torch.allclose(local.energy, torch.full((200,), exact).double(), atol=1e-10)
