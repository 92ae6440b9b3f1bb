"""Error bars against chains whose autocorrelation is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rgnn_hal.tasks.wavefunction.blocking import blocked


def autoregressive(rho: float, steps: int, walkers: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    chain = np.empty((steps, walkers))
    chain[0] = rng.normal(size=walkers)
    noise = rng.normal(scale=np.sqrt(1 - rho**2), size=(steps, walkers))
    for step in range(1, steps):
        chain[step] = rho * chain[step - 1] + noise[step]
    return chain


@settings(max_examples=10)
@given(rho=st.sampled_from([0.0, 0.5, 0.8]), seed=st.integers(0, 10_000))
def test_the_error_of_an_autoregressive_chain_is_the_known_one(rho: float, seed: int) -> None:
    steps, walkers = 512, 400
    result = blocked(autoregressive(rho, steps, walkers, seed))
    time = (1 + rho) / (1 - rho)
    assert result.autocorrelation == pytest.approx(time, rel=0.25)
    assert result.standard_error == pytest.approx(np.sqrt(time / (steps * walkers)), rel=0.15)


def test_constant_chains_have_no_error() -> None:
    result = blocked(np.full((64, 8), 3.0))
    assert (result.mean, result.standard_error, result.autocorrelation) == (3.0, 0.0, 1.0)
