"""Solving: start, optimise, measure; stop any time with a valid result.

1. Orbitals and determinants of the reference are optimised alone: cheap, no products.
2. The network is formed in the macro and read back. Steps are made on samples of the guide, with
   the features of that twin (`training`).
3. Parameters stay as they are, and fresh walkers measure the energy on the macro (`energy`) until
   time is over.

A session much longer than all before it goes on with the second stage, if that had no time to
finish, and measures anew. Nothing that was optimised on is measured on, so the energy is an upper
bound in expectation.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from rgnn_hal.cost import recording
from rgnn_hal.macro import Macro
from rgnn_hal.tasks.wavefunction.ansatz import Ansatz, Parameters
from rgnn_hal.tasks.wavefunction.body import Body
from rgnn_hal.tasks.wavefunction.energy import measure_step, pilot
from rgnn_hal.tasks.wavefunction.features import PairNetwork
from rgnn_hal.tasks.wavefunction.molecule import Molecule
from rgnn_hal.tasks.wavefunction.optimiser import Champion
from rgnn_hal.tasks.wavefunction.recipe import WavefunctionRecipe
from rgnn_hal.tasks.wavefunction.reference import ansatz_of, starting_orbitals
from rgnn_hal.tasks.wavefunction.sampler import scatter, walk
from rgnn_hal.tasks.wavefunction.state import State, Totals, save_state
from rgnn_hal.tasks.wavefunction.summary import summary
from rgnn_hal.tasks.wavefunction.training import WARM_UP, Trainer
from rgnn_hal.tasks.wavefunction.work import HostWork

_BURN_IN = 200
FIRST_BURN_IN = 80
"""Before training: its samples settle again and again, and nothing of them is measured."""
_BURN_IN_SHARE = 0.2
"""Of the time there is, at most."""
_SAVE_EVERY = 20.0
"""Seconds between checkpoints."""
_PRICED = 200
_SAMPLE_IN_FEATURES = 4.5
_SAMPLE_IN_SWEEPS = 25
"""What a walker of a sample costs, with a network in units of its features (LiH: 1.05 ms of CPU
time over 0.23), without one in sweeps (about 23 for carbon): a guess until there is a sample."""
_MUCH_LONGER = 2.0
_CLOSING = 0.4
"""Seconds kept for storing the result."""


@dataclass(frozen=True)
class Limits:
    """When to stop: at a time (`time.monotonic`), or after so many measured steps."""

    deadline: float | None = None
    steps: int | None = None


def begin(molecule: Molecule, recipe: WavefunctionRecipe, macro_uri: str) -> State:
    """A run that has not started."""
    ansatz = ansatz_of(molecule)
    orbitals = starting_orbitals(molecule, ansatz.basis, seed=recipe.seed)
    coefficients = torch.zeros(ansatz.configurations.size, dtype=torch.float64)
    coefficients[0] = 1.0
    digital = ansatz.digital_features if molecule.electrons > 1 else 0
    head = torch.zeros(digital, dtype=torch.float64)
    return State(
        molecule,
        recipe,
        macro_uri,
        Parameters(coefficients, orbitals, head),
        scatter(molecule, recipe.walkers, recipe.seed),
    )


def solve(
    state: State,
    macro: Macro,
    limits: Limits,
    *,
    out: Path | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> State:
    """Take a run as far as `limits` allow; with `out`, every stage is stored there.

    On Ctrl-C what is known is stored before the interrupt goes on. `tell` receives a line with the
    energy and its error now and then.
    """
    run = _Run.open(state, macro, limits, out, tell)
    try:
        run.optimise()
        run.measure()
    finally:
        run.store()
    return state


@dataclass
class _Run:
    state: State
    macro: Macro
    limits: Limits
    out: Path | None
    tell: Callable[[str], None]
    ansatz: Ansatz
    work: HostWork
    before: Totals
    """What earlier sessions had done."""
    started: float = field(default_factory=time.monotonic)
    body: Body | None = None

    @classmethod
    def open(
        cls,
        state: State,
        macro: Macro,
        limits: Limits,
        out: Path | None,
        tell: Callable[[str], None],
    ) -> _Run:
        ansatz = ansatz_of(state.molecule)
        before = replace(state.totals)
        run = cls(state, macro, limits, out, tell, ansatz, HostWork(ansatz), before)
        if state.weights is not None:
            network = PairNetwork(state.molecule, state.standards)
            matrices = state.weights.thaw(macro, reads=state.recipe.reads)
            run.body = Body(state.weights, network, matrices)
        run.work.features = len(state.parameters.head)
        return run

    def optimise(self) -> None:
        """The iterations that are left."""
        state = self.state
        trainer = Trainer(state, self.ansatz, self.work, self.tell)
        if state.measurement is not None:
            if trainer.finished or not self._much_longer():
                return
            state.measurement = None
        self._train(trainer, state.recipe.training_share * self._time_left())
        if state.molecule.electrons > 1:
            if state.iteration <= WARM_UP:
                self.tell("no time to train the network; give more seconds")
            if self.body is None:
                self._form()

    def _train(self, trainer: Trainer, seconds: float) -> None:
        state, stop, drawn = self.state, time.monotonic() + seconds, 0
        if self.body is None:
            cost = _SAMPLE_IN_SWEEPS * self._burn_in(FIRST_BURN_IN, _BURN_IN_SHARE * seconds)
        else:
            cost = self._price()
        while not trainer.finished:
            if state.iteration == WARM_UP and self.body is None:
                self._form()
                cost = self._price()
            count = trainer.planned(stop - time.monotonic(), cost)
            if not count:
                break
            before, drawn = time.monotonic(), count
            trainer.iterate(count, self.body)
            cost = (time.monotonic() - before) / count
            self.store()
        if drawn:
            trainer.finish(drawn // 2, self.body)

    def measure(self) -> None:
        """Fresh samples until the limits are reached."""
        state, recipe = self.state, self.state.recipe
        if state.measurement is None:
            self._burn_in(_BURN_IN, _BURN_IN_SHARE * self._time_left())
            self._walk(recipe.sweeps)
            state.measurement = pilot(
                self.ansatz, state.parameters, self.body, state.walkers, recipe.check_every
            )
            state.walkers.accepted = state.walkers.proposed = 0
        saved, taken = time.monotonic(), 0.0
        while not self._finished(taken):
            before = time.monotonic()
            measure_step(
                self.ansatz,
                state.parameters,
                self.body,
                state.walkers,
                state.measurement,
                sweeps=recipe.sweeps,
            )
            self._count_measured()
            taken = time.monotonic() - before
            if time.monotonic() - saved > _SAVE_EVERY:
                self.store()
                self._tell_measured()
                saved = time.monotonic()
        self._tell_measured()

    def store(self) -> None:
        """Bring the counters up to date and write the artefact."""
        totals, before = self.state.totals, self.before
        totals.host_macs = before.host_macs + self.work.macs
        totals.seconds = before.seconds + time.monotonic() - self.started
        if self.body is not None:
            totals.macro_macs = before.macro_macs + self.body.macro_macs
            totals.products = before.products + self.body.products
            totals.conversions = before.conversions + self.body.conversions
        if self.out is not None:
            save_state(self.state, self.out, summary(self.state))

    def _form(self) -> None:
        """Put the network into the macro and a head of zeros on it."""
        state = self.state
        with recording() as formed:
            self.body = Body.form(state.molecule, self.macro, state.recipe, state.walkers.positions)
        state.totals.pulses += formed.analog.pulses
        state.totals.cell_reads += formed.analog.cell_reads
        state.weights, state.standards = self.body.weights, self.body.network.standards
        fresh = torch.zeros(self.body.features, dtype=torch.float64)
        champion, challenger = state.champion, state.parameters
        state.parameters = _with_head(challenger, fresh)
        if champion is not None:
            same = champion.parameters is challenger
            grown = state.parameters if same else _with_head(champion.parameters, fresh)
            state.champion = Champion(grown, champion.score)
        self.work.features = len(state.parameters.head)

    def _price(self) -> float:
        """Seconds that a walker of a sample with features will cost, before there was one."""
        assert self.body is not None
        some, before = self.state.walkers.positions[:_PRICED], time.monotonic()
        self.body.on_host(some)
        return _SAMPLE_IN_FEATURES * (time.monotonic() - before) / len(some)

    def _walk(self, sweeps: int, *, adapt: bool = False) -> Tensor:
        state = self.state
        self.work.walk(sweeps * state.walkers.positions.shape[:2].numel())
        return walk(self.ansatz, state.parameters, state.walkers, sweeps, adapt=adapt)

    def _burn_in(self, most: int, seconds: float) -> float:
        """Forget where the walkers began, unless there is no time even for that.

        Seconds that a sweep took, per walker.
        """
        started, sweeps = time.monotonic(), 0
        while sweeps == 0 or (sweeps < most and time.monotonic() < started + seconds):
            self._walk(20, adapt=self.state.measurement is None)
            sweeps += 20
        return (time.monotonic() - started) / (sweeps * len(self.state.walkers.positions))

    def _much_longer(self) -> bool:
        """Whether this session has far more time than all before it, so that training pays."""
        left = self._time_left()
        return math.isfinite(left) and left > _MUCH_LONGER * self.before.seconds

    def _time_left(self) -> float:
        deadline = self.limits.deadline
        return math.inf if deadline is None else deadline - time.monotonic()

    def _finished(self, taken: float) -> bool:
        measurement = self.state.measurement
        assert measurement is not None
        if self.limits.steps is not None and measurement.steps >= self.limits.steps:
            return True
        return measurement.steps >= 1 and self._time_left() < 1.5 * taken + _CLOSING

    def _count_measured(self) -> None:
        state, recipe = self.state, self.state.recipe
        walkers, electrons = len(state.walkers.positions), state.molecule.electrons
        assert state.measurement is not None
        checked = walkers // state.measurement.check_every
        self.work.walk(recipe.sweeps * walkers * electrons)
        self.work.evaluate(walkers + checked)
        if self.body is not None:
            self.work.network(checked * self.body.walker_macs)

    def _tell_measured(self) -> None:
        result = self.state.measurement.result() if self.state.measurement else None
        if result is not None:
            self.tell(f"measured: E = {result.mean:.6f} ± {result.standard_error:.6f} hartree")


def _with_head(parameters: Parameters, more: Tensor) -> Parameters:
    return replace(parameters, head=torch.cat([parameters.head, more]))
