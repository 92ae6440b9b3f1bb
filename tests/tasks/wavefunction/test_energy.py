"""The two-level energy: a noisy macro does not move it, and its error bar is honest."""

import numpy as np
import pytest
import torch

from rgnn_hal import open_macro
from rgnn_hal.tasks.wavefunction import WavefunctionRecipe, parse_molecule
from rgnn_hal.tasks.wavefunction.ansatz import Ansatz, Parameters
from rgnn_hal.tasks.wavefunction.body import Body
from rgnn_hal.tasks.wavefunction.energy import Measurement, measure_step
from rgnn_hal.tasks.wavefunction.orbitals import slater_basis
from rgnn_hal.tasks.wavefunction.reference import pair_excitations, starting_orbitals
from rgnn_hal.tasks.wavefunction.sampler import scatter, walk


def measured(uri: str, reads: int) -> tuple[Measurement, float, Measurement]:
    """The same walkers measured on a macro and by its twin; and the macro's biased energy."""
    molecule = parse_molecule("He 0 0 0")
    ansatz = Ansatz(molecule, slater_basis(molecule), pair_excitations(molecule))
    recipe = WavefunctionRecipe(widths=(24, 16), gains=(0.5, 0.6), reads=reads, walkers=800)
    one = torch.ones(1, dtype=torch.float64)
    walkers = scatter(molecule, 800, seed=1)
    orbitals = starting_orbitals(molecule, ansatz.basis)
    with open_macro(uri) as macro:
        body = Body.form(molecule, macro, recipe, walkers.positions)
        rng = np.random.default_rng(0)
        head = torch.from_numpy(rng.normal(scale=0.5, size=body.features))
        inputs = torch.zeros(ansatz.digital_features, dtype=torch.float64)
        parameters = Parameters(one, orbitals, torch.cat([inputs, head]))
        walk(ansatz, parameters, walkers, 60, adapt=True)
        mixed, truth, naive = Measurement(0.0, check_every=8), Measurement(0.0), []
        for _ in range(24):
            measure_step(ansatz, parameters, body, walkers, mixed, sweeps=4)
            here = walkers.positions
            log_guide = walk(ansatz, parameters, walkers, 0)
            rows = []
            for features in (body.on_host(here), body.on_macro(here)):
                local = ansatz.local(ansatz.scene(here, features), parameters)
                weight = torch.exp(2.0 * (local.logarithm - log_guide))
                rows.append(torch.stack([weight * local.energy, weight]).numpy())
            truth.rows.append(rows[0])
            naive.append(rows[1])
    product, weight = np.stack(naive).sum((0, 2))
    return mixed, float(product / weight), truth


def test_an_exact_macro_gives_the_energy_of_its_twin() -> None:
    mixed, naive, truth = measured("emulator://?seed=3&exact=true", reads=1)
    assert mixed.result().mean == pytest.approx(truth.result().mean, abs=1e-5)
    assert naive == pytest.approx(truth.result().mean, abs=1e-5)


def test_noise_biases_the_macros_energy_but_not_the_corrected_one() -> None:
    mixed, naive, truth = measured("emulator://?seed=3", reads=1)
    exact, corrected = truth.result(), mixed.result()
    # the same walkers: what is left between them is noise, and the error bar must cover it
    assert abs(corrected.mean - exact.mean) < 4 * corrected.standard_error
    assert abs(naive - exact.mean) > abs(corrected.mean - exact.mean)
