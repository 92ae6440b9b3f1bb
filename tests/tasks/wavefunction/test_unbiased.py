"""The study behind the claim that a chip's noise does not move energies.

    pytest -m slow -s tests/tasks/wavefunction/test_unbiased.py

Ten default chips, each measured with its noise, beside the same ten without noise.
Only one walker in eight is checked with the twin, so that noise is in most of what is averaged.
"""

import math

import numpy as np
import pytest

from rgnn_hal import open_macro
from rgnn_hal.tasks.wavefunction import (
    Limits,
    WavefunctionRecipe,
    begin,
    parse_molecule,
    solve,
    summary,
)

H2 = parse_molecule("H 0 0 0; H 0 0 1.4")
H2_ENERGY = -1.1744757
"""Hartree; Sims and Hagstrom, J. Chem. Phys. 124, 094101 (2006)."""
SEEDS = 10


def energy(seed: int, exact: bool) -> tuple[float, float]:
    """Of one run, and its standard error, hartree."""
    uri = f"emulator://?seed={seed}" + "&exact=true" * exact
    recipe = WavefunctionRecipe(samples=6000, iterations=2, check_every=8, seed=seed)
    state = begin(H2, recipe, uri)
    with open_macro(uri) as macro:
        solve(state, macro, Limits(steps=20))
    result = summary(state)
    return result["energy_hartree"], result["standard_error_hartree"]


@pytest.mark.slow
def test_ten_noisy_chips_give_the_energy_of_exact_ones() -> None:
    rows = [(*energy(seed, False), *energy(seed, True)) for seed in range(SEEDS)]
    noisy, noisy_error, clean, clean_error = 1e3 * np.array(rows).T
    for seed, row in enumerate(zip(noisy, noisy_error, clean, clean_error, strict=True)):
        print("seed {}: noisy {:.2f}({:.2f}), exact {:.2f}({:.2f}) mHa".format(seed, *row))
    difference = noisy - clean
    errors = np.hypot(noisy_error, clean_error)
    bias, error = difference.mean(), math.sqrt((errors**2).sum()) / SEEDS
    above = noisy.mean() - 1e3 * H2_ENERGY
    print(f"bias {bias:+.2f} +- {error:.2f} mHa; noisy above exact energy by {above:+.2f} mHa")
    print(f"chi^2 of the differences: {((difference / errors) ** 2).sum():.1f} for {SEEDS}")
    assert abs(bias) < 3 * error
    assert above > -3 * math.sqrt((noisy_error**2).sum()) / SEEDS
    # the twins differ a little too, by what read-back makes of noise; 99.9 % of chi^2 lie below 30
    assert ((difference / errors) ** 2).sum() < 45
