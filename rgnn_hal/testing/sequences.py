"""Sequences: a state machine that calls verbs in any order and observes after every one of them.

The read check is an invariant, not a rule: apply, program, safe, read is too rare a sequence to be
met otherwise, and a macro that is observed after every step has nowhere to hide a stale cache.
Callers here are rude within their rights: they overwrite every array that they have passed or were
given, except the results that they keep to see whether those stay what they were.
"""

from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from numpy.typing import NDArray

from rgnn_hal.testing import drawing
from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.clause import must_raise, require
from rgnn_hal.testing.mirror import Drive, Mirror
from rgnn_hal.testing.refusals import Refusal, refusals
from rgnn_hal.testing.search import Search

_SOME = 8
"""Cells that are written at once, of which a closed loop gets most right."""


def search_sequences(bench: Bench) -> None:
    """Look for a sequence of calls after which the macro and its model disagree."""
    search = Search(bench)
    parts = {"bench": bench, "search": search, "refusals": refusals(bench)}
    machine = type("Sequence", (SequenceMachine,), parts)
    search.run(lambda: run_state_machine_as_test(machine, settings=search.settings))


class SequenceMachine(RuleBasedStateMachine):
    """One macro and its mirror; subclassed with a bench and a search."""

    bench: Bench
    search: Search
    refusals: list[Refusal]

    def __init__(self) -> None:
        super().__init__()
        self.search.begin()
        self.steps: list[str] = []
        self.kept: list[tuple[str, NDArray[Any], NDArray[Any]]] = []
        self.macro = self.bench.open()
        try:
            with self.search.attempt(self.steps):
                self.mirror = Mirror(self.macro, self.bench.patch, gentle=self.bench.gentle)
                self.time = self.macro.clock()
        except BaseException:
            self.macro.close()
            raise

    def teardown(self) -> None:
        """Close the macro of this sequence."""
        self.macro.close()

    @rule(data=st.data())
    def apply(self, data: st.DataObject) -> None:
        """Latch voltages, then reuse the buffer."""
        drive = data.draw(drawing.drives(self.bench.spec, self.bench.patch))
        with self._step(f"apply {drive}"):
            buffer = drive.voltage.copy()
            self.macro.apply(buffer, side=drive.side, region=drive.region)
            buffer.fill(np.nan)
            self.mirror.drive = drive

    @rule(data=st.data())
    def multiply(self, data: st.DataObject) -> None:
        """Apply and read in one, keep the result."""
        drive = data.draw(drawing.drives(self.bench.spec, self.bench.patch))
        samples = data.draw(st.sampled_from([1, min(2, self.bench.spec.max_samples)]))
        with self._step(f"multiply {drive}, samples={samples}"):
            buffer = Drive(drive.voltage.copy(), drive.side, drive.region)
            current = self.mirror.multiply(buffer, samples)
            buffer.voltage.fill(np.nan)
            self.mirror.drive = drive
            self._keep("multiply", current)

    @rule(data=st.data())
    def read_conductance(self, data: st.DataObject) -> None:
        """Read cells, keep the result."""
        region = data.draw(drawing.regions(self.bench.patch))
        mask = data.draw(st.none() | drawing.masks(region.shape))
        words = "" if mask is None else f", mask of {int(mask.sum())} cells"
        with self._step(f"read_conductance({region}{words})"):
            self._keep("read_conductance", self.mirror.read_cells(region, mask=mask))

    @precondition(lambda self: self.bench.kinds)
    @rule(data=st.data())
    def pulse(self, data: st.DataObject) -> None:
        """Pulse cells; those outside of the mask must stay."""
        kind, arguments = data.draw(drawing.pulses(self.bench))
        mask, region = arguments["mask"], arguments["region"]
        words = f"{kind} pulse on {int(mask.sum())} cells of {region}"
        with self._step(words):
            moved = np.zeros(self.bench.spec.region.shape, dtype=np.bool_)
            moved[region.slices] = mask
            given = {name: np.copy(value) for name, value in arguments.items() if _is_array(value)}
            self.macro.pulse(kind, **(arguments | given))
            for buffer in given.values():
                buffer.fill(0)
            self._grounded()
            self.mirror.same_cells(moved[self.bench.patch.slices])
            self.mirror.learn()

    @precondition(lambda self: self.bench.may_program)
    @rule(data=st.data())
    def program(self, data: st.DataObject) -> None:
        """Write cells; those outside of the region must stay."""
        region = data.draw(drawing.regions(self.bench.patch))
        target = data.draw(drawing.targets(self.bench.spec, region.shape))
        with self._step(f"program {region}"):
            moved = np.zeros(self.bench.spec.region.shape, dtype=np.bool_)
            moved[region.slices] = True
            buffer = target.copy()
            self.macro.program(buffer, region)
            buffer.fill(np.nan)
            self._grounded()
            self.mirror.same_cells(moved[self.bench.patch.slices])
            before = self.mirror.cells
            self.mirror.learn()
            if region.cells >= _SOME:
                inside = moved[self.bench.patch.slices]
                wanted = before.copy()
                wanted[inside] = target.ravel()
                self.mirror.require_target(
                    np.where(inside, wanted, self.mirror.cells), "it", 0.5 * float(inside.mean())
                )

    @rule(times=st.integers(1, 2))
    def safe(self, times: int) -> None:
        """Ground all lines, once or twice."""
        with self._step("safe, safe" if times == 2 else "safe"):
            for _ in range(times):
                self.macro.safe()
            self.mirror.drive = None

    @rule(duration=st.sampled_from([0.0, 1e-6, 1e-4]))
    def wait(self, duration: float) -> None:
        """Let time pass."""
        with self._step(f"wait({duration})"):
            self.macro.wait(duration)
            self.mirror.drive = None

    @rule(data=st.data())
    def refused(self, data: st.DataObject) -> None:
        """Ask for what the macro must refuse."""
        refusal = data.draw(st.sampled_from(self.refusals))
        with self._step(f"refused {refusal.words}"):
            must_raise(refusal.error, refusal.words, lambda: refusal.call(self.macro))

    @invariant()
    def reads_what_is_latched(self) -> None:
        """Observe: lines, then the result's independence of the macro's own memory."""
        with self.search.attempt(self.steps):
            current = self.mirror.read()
            current.fill(np.nan)

    @invariant()
    def results_stay(self) -> None:
        """Results that were kept are what they were."""
        with self.search.attempt(self.steps):
            for verb, result, copy in self.kept:
                require(
                    np.array_equal(result, copy, equal_nan=True),
                    f"an array that {verb} had returned earlier has changed",
                )

    @invariant()
    def the_spec_stays(self) -> None:
        """What the macro says of itself is what it said."""
        with self.search.attempt(self.steps):
            require(self.macro.spec == self.bench.spec, "the spec is another one than at opening")

    @invariant()
    def time_goes_on(self) -> None:
        """The clock never goes back."""
        with self.search.attempt(self.steps):
            now = self.macro.clock()
            require(now >= self.time, f"the clock went back from {self.time!r} to {now!r} s")
            self.time = now

    def _step(self, words: str) -> Any:
        self.steps.append(words)
        return self.search.attempt(self.steps)

    def _grounded(self) -> None:
        self.mirror.drive = None
        self.mirror.read()

    def _keep(self, verb: str, result: NDArray[Any]) -> None:
        self.kept.append((verb, result, result.copy()))


def _is_array(value: object) -> bool:
    return isinstance(value, np.ndarray)
