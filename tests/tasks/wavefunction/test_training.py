"""How many walkers a sample gets."""

from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal.tasks.wavefunction import WavefunctionRecipe, begin, parse_molecule
from rgnn_hal.tasks.wavefunction.reference import ansatz_of
from rgnn_hal.tasks.wavefunction.training import WARM_UP, Trainer
from rgnn_hal.tasks.wavefunction.work import HostWork

STATE = begin(parse_molecule("He 0 0 0"), WavefunctionRecipe(walkers=16), "emulator://")
ANSATZ = ansatz_of(STATE.molecule)


@given(st.floats(-10, 1000), st.floats(1e-6, 0.1), st.integers(0, WARM_UP + 9))
def test_a_sample_leaves_time_for_the_contest_after_it(
    seconds: float, cost: float, iteration: int
) -> None:
    STATE.iteration = iteration
    trainer = Trainer(STATE, ANSATZ, HostWork(ANSATZ), print)
    count, unlimited = trainer.planned(seconds, cost), trainer.planned(1e9, cost)
    assert 0 <= count <= unlimited
    assert count * 1.5 * cost <= max(seconds, 0.0) * (1 + 1e-9)
    assert count == 0 or 16 * count >= unlimited
