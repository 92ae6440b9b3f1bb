"""Our predictions beside first principles: equal structures, one run, then the paper's sizes.

Time is this process's CPU time, and the clock's where both were measured. Our operations are
counted; those of first principles are at most what the processor could have multiplied in their
time. How ours grows is seen on larger members of a family, where the work that every call repeats
no longer hides it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import ase

from rgnn_hal.cost.digital import count_work
from rgnn_hal.progress import Progress, silent
from rgnn_hal.reproduction.cell import Run, watching
from rgnn_hal.reproduction.first_principles import (
    Calculation,
    FirstPrinciples,
    basis_functions,
)
from rgnn_hal.reproduction.scaling import Estimate, PowerLaw, envelope, fit_power_law
from rgnn_hal.reproduction.timing import Timing, timed


@dataclass(frozen=True)
class Prediction:
    """Ours of one structure."""

    atoms: int
    time: Timing
    operations: int
    """Products, special functions and sums; those of a macro included."""

    @classmethod
    def of(cls, predict: Callable[[], object], atoms: int, repeats: int) -> "Prediction":
        """Time it, and count it once."""
        time = timed(predict, repeats)
        with count_work() as work:
            predict()
        return cls(atoms, time, work.all_digital.arithmetic)


@dataclass(frozen=True)
class Family:
    """One family of growing molecules: what it costs them and us."""

    name: str
    atoms: tuple[int, ...]
    functions: tuple[int, ...]
    theirs: tuple[float, ...]
    """CPU s."""
    their_wall: tuple[float, ...]
    ours: tuple[Prediction, ...]
    larger: tuple[Prediction, ...]

    @property
    def law(self) -> PowerLaw:
        """First principles, over atoms."""
        return fit_power_law(self.atoms, self.theirs)

    def our_law(self, cost: Callable[[Prediction], float]) -> PowerLaw:
        """Ours, over atoms: of the larger members where there are enough of them."""
        points = self.larger if len(self.larger) >= 3 else (*self.ours, *self.larger)
        return fit_power_law([one.atoms for one in points], [cost(one) for one in points])

    def ratio(self) -> Estimate:
        """Of CPU times at the largest common size; theirs by their law with its scatter."""
        return self.law.at(self.atoms[-1]) / self.ours[-1].time.cpu

    def wall_ratio(self) -> float:
        """The same by the clock."""
        return self.their_wall[-1] / self.ours[-1].time.wall.value


@dataclass(frozen=True)
class Comparison:
    """All families of one run."""

    basis: str
    macs_per_second: float
    families: tuple[Family, ...]
    run: Run

    def extrapolated(self, functions: int) -> Estimate:
        """First-principles CPU seconds of a system of that many basis functions.

        Families disagree by more than each says of itself, so the interval spans all of them.
        """
        laws = [fit_power_law(family.functions, family.theirs) for family in self.families]
        return envelope([law.at(functions) for law in laws])


@dataclass(frozen=True)
class Beyond:
    """A structure of the paper's size, ours measured, first principles carried there."""

    label: str
    theirs: Estimate
    ours: Prediction


def compare(
    reference: FirstPrinciples,
    predict: Callable[[ase.Atoms], object],
    *,
    gradient: bool,
    repeats: int,
    progress: Progress = silent,
) -> Comparison:
    """Time `predict` on the reference's own structures, and on larger ones of their families."""
    found = []
    words = f"predictions timed {repeats} times each beside PySCF PBE/{reference.basis}"
    with watching(words) as w:
        for done, (name, calculations) in enumerate(reference.families.items()):
            progress(done, len(reference.families), "timing predictions")
            found.append(_family(reference, name, calculations, predict, gradient, repeats))
        progress(len(found), len(found), "timing predictions")
    return Comparison(reference.basis, reference.macs_per_second, tuple(found), w.run)


def _family(
    reference: FirstPrinciples,
    name: str,
    calculations: Sequence[Calculation],
    predict: Callable[[ase.Atoms], object],
    gradient: bool,
    repeats: int,
) -> Family:
    def ours(structures: Sequence[ase.Atoms]) -> tuple[Prediction, ...]:
        return tuple(
            Prediction.of(partial(predict, atoms), len(atoms), repeats) for atoms in structures
        )

    spans = [one.whole if gradient else one.scf for one in calculations]
    return Family(
        name,
        tuple(len(one.atoms) for one in calculations),
        tuple(one.functions for one in calculations),
        tuple(span.cpu for span in spans),
        tuple(span.wall for span in spans),
        ours([one.atoms for one in calculations]),
        ours(reference.sizes.larger(name)),
    )


def beyond(found: Comparison, structure: ase.Atoms, label: str, ours: Prediction) -> Beyond:
    """Carry first principles to `structure` by its basis functions."""
    functions = basis_functions(structure, found.basis)
    return Beyond(label, found.extrapolated(functions), ours)
