"""Training cost: the paper's networks by back-propagation against our readouts in closed form.

Both see the same frames and are judged on the same others. A network trains until its error is
ours, or until its time is over; then what it has cost so far bounds what it would cost from below.
It is judged between epochs, so where it came down to an error is known up to the last look at it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rgnn_hal.cost.operations import Operations
from rgnn_hal.cost.work import Work
from rgnn_hal.progress import Progress, silent
from rgnn_hal.reproduction import paper
from rgnn_hal.reproduction.cell import Watch
from rgnn_hal.reproduction.chart import Curves, Series
from rgnn_hal.reproduction.table import Draft
from rgnn_hal.tasks.xu2025 import LayerMaker, severed_layer, trained_layer


@dataclass(frozen=True)
class Point:
    """Where a training stands."""

    epoch: int
    cpu_seconds: float
    work: Work
    error: float
    """Of unseen frames, in the units of `Goal`."""


@dataclass(frozen=True)
class Goal:
    """What ours has come to."""

    error: float
    unit: str
    cpu_seconds: float
    """Emulating the chip and counting its work included."""
    work: Operations
    """All arithmetic, products on the macro included."""


@dataclass(frozen=True)
class Training:
    """A network's way down."""

    label: str
    points: tuple[Point, ...]
    """After every epoch that was judged."""
    goal: Goal

    @property
    def last(self) -> Point:
        """Where it stopped."""
        return self.points[-1]

    @property
    def reached(self) -> bool:
        """Whether its error came down to ours."""
        return self.last.error <= self.goal.error

    def passage(self, error: float) -> tuple[Point, Point]:
        """The last look before it was as good as that, and the first after."""
        there = next(k for k, point in enumerate(self.points) if point.error <= error)
        return self.points[max(0, there - 1)], self.points[there]

    @property
    def state(self) -> str:
        """In words."""
        seconds, epochs = self.last.cpu_seconds, self.last.epoch
        where = "at our error" if self.reached else f"at {self.last.error:.3g} {self.goal.unit}"
        return f"{where} after {seconds:.0f} s, {epochs} epochs"


def makers() -> dict[str, LayerMaker]:
    """The two ways to train the paper's networks."""
    return {"all layers trained": trained_layer(0), "reservoir frozen": severed_layer(0)}


def is_judged(epoch: int) -> bool:
    """Whether an epoch is judged: the first ten, then whenever a tenth more have passed.

    Judging every one took as long as training; a network may be a tenth better than it is told.
    """
    return epoch <= 10 or int(10 * math.log(epoch)) > int(10 * math.log(epoch - 1))


def run_down(
    label: str, points: Iterable[Point], goal: Goal, seconds: float, progress: Progress = silent
) -> Training:
    """Follow a training until it is as good as ours or its CPU time is over."""
    taken: list[Point] = []
    for point in points:
        taken.append(point)
        done = min(int(point.cpu_seconds), int(seconds))
        progress(done, int(seconds), f"back-propagation, {label}")
        if point.error <= goal.error or point.cpu_seconds >= seconds:
            break
    return Training(label, tuple(taken), goal)


def saved(ours: float, theirs: float) -> float:
    """Per cent less."""
    return 100 * (1 - ours / theirs)


def add_trainings(
    draft: Draft, watch: Watch, trainings: Sequence[Training], title: str, quantity: str
) -> None:
    """Rows of what closed forms save, and the curves."""
    for one in trainings:
        goal, last = one.goal, one.last
        before = one.passage(goal.error)[0] if one.reached else last
        for words, ours, theirs, earlier in (
            ("CPU time", goal.cpu_seconds, last.cpu_seconds, before.cpu_seconds),
            (
                "operations",
                goal.work.arithmetic,
                last.work.all_digital.arithmetic,
                before.work.all_digital.arithmetic,
            ),
        ):
            value = saved(ours, theirs)
            cell = watch.measured(
                value,
                "% less",
                (saved(ours, earlier), value) if one.reached else None,
                bound="" if one.reached else "at least",
                remark=(
                    f"{theirs / ours:.3g} times less; ours {ours:.3g} (the emulator and counting "
                    f"included) to {goal.error:.3g} {goal.unit}, theirs {theirs:.3g}; the network "
                    f"is {one.state}"
                ),
            )
            what = f"{words}, our linear solve against the paper's network, {one.label}"
            headline = one is trainings[0]
            draft.add("training", what, paper.TRAINING, cell, headline=headline)
    draft.charts.append(_chart(trainings, title, quantity))


def _chart(trainings: Sequence[Training], title: str, quantity: str) -> Curves:
    curves = [
        Series(
            f"back-propagation, {one.label}",
            [point.cpu_seconds for point in one.points],
            [point.error for point in one.points],
            line=True,
            group=number,
        )
        for number, one in enumerate(trainings)
    ]
    goal = trainings[0].goal
    ours = Series("ours, one solve", [goal.cpu_seconds], [goal.error], group=len(curves))
    return Curves(title, "CPU time (s)", quantity, (*curves, ours), x_log=True, y_log=True)
