"""Our predictions beside first principles: equal structures, one run, then the paper's sizes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import ase

from rgnn_hal.progress import Progress, silent
from rgnn_hal.reproduction.cell import Run, watching
from rgnn_hal.reproduction.chart import Curves, Series
from rgnn_hal.reproduction.first_principles import FirstPrinciples
from rgnn_hal.reproduction.scaling import Estimate, PowerLaw, envelope, fit_power_law
from rgnn_hal.reproduction.timing import timed


@dataclass(frozen=True)
class Family:
    """One family of growing molecules: what it costs them and us."""

    name: str
    atoms: tuple[int, ...]
    functions: tuple[int, ...]
    theirs: tuple[float, ...]
    """CPU s."""
    ours: tuple[Estimate, ...]

    @property
    def law(self) -> PowerLaw:
        """First principles, over atoms."""
        return fit_power_law(self.atoms, self.theirs)

    @property
    def our_law(self) -> PowerLaw:
        """Ours, over atoms."""
        return fit_power_law(self.atoms, [one.value for one in self.ours])

    def ratio(self) -> Estimate:
        """At the largest size, both laws with their scatter."""
        size = self.atoms[-1]
        return self.law.at(size) / self.our_law.at(size)


@dataclass(frozen=True)
class Comparison:
    """All families of one run."""

    families: tuple[Family, ...]
    run: Run

    def extrapolated(self, functions: int) -> Estimate:
        """First-principles CPU seconds of a system of that many basis functions.

        Families disagree by more than each says of itself, so the interval spans all of them.
        """
        laws = [fit_power_law(family.functions, family.theirs) for family in self.families]
        return envelope([law.at(functions) for law in laws])


def compare(
    reference: FirstPrinciples,
    families: Sequence[str],
    predict: Callable[[ase.Atoms], object],
    *,
    gradient: bool,
    repeats: int,
    progress: Progress = silent,
) -> Comparison:
    """Time `predict` on the reference's own structures."""
    found = []
    total = sum(len(reference.families[name]) for name in families)
    done = 0
    with watching(
        f"predictions timed {repeats} times each beside PySCF PBE/{reference.basis}"
    ) as w:
        for name in families:
            ours = []
            calculations = reference.families[name]
            for one in calculations:
                ours.append(timed(partial(predict, one.atoms), repeats))
                done += 1
                progress(done, total, "timing predictions")
            found.append(
                Family(
                    name,
                    tuple(len(one.atoms) for one in calculations),
                    tuple(one.functions for one in calculations),
                    tuple(one.seconds if gradient else one.scf_seconds for one in calculations),
                    tuple(ours),
                )
            )
    return Comparison(tuple(found), w.run)


def scaling_chart(
    title: str, comparison: Comparison, beyond: Mapping[str, tuple[int, Estimate]]
) -> Curves:
    """Costs over atoms with fitted laws; `beyond` holds (atoms, cost) outside the families."""
    series = []
    for group, family in enumerate(comparison.families):
        line = [float(family.atoms[0]), float(family.atoms[-1])]
        for words, values, law in (
            ("first principles", [Estimate(t, t, t) for t in family.theirs], family.law),
            ("ours", family.ours, family.our_law),
        ):
            label = f"{family.name}, {words}: N^({law.exponent:.2f} ± {law.exponent_error:.2f})"
            sizes = [float(n) for n in family.atoms]
            series.append(_points(label, sizes, values, group))
            fitted = [law.at(n).value for n in line]
            series.append(Series("", line, fitted, line=True, group=group))
    for number, (label, (atoms, cost)) in enumerate(beyond.items()):
        series.append(_points(label, [float(atoms)], [cost], len(comparison.families) + number))
    return Curves(title, "atoms", "CPU time (s)", tuple(series), x_log=True, y_log=True)


def _points(label: str, x: Sequence[float], values: Sequence[Estimate], group: int) -> Series:
    return Series(
        label,
        x,
        [one.value for one in values],
        [one.low for one in values],
        [one.high for one in values],
        group=group,
    )
