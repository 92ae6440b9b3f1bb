"""Rows and charts of a comparison: ratios at equal sizes, exponents, and the paper's size."""

from collections.abc import Callable, Sequence

from rgnn_hal.reproduction.cell import EXTRAPOLATED, RECORDED, Cell, Measured, Missing, Watch
from rgnn_hal.reproduction.chart import Curves, Series
from rgnn_hal.reproduction.comparison import Beyond, Comparison, Family, Prediction
from rgnn_hal.reproduction.scaling import Estimate, middle_of
from rgnn_hal.reproduction.table import Draft
from rgnn_hal.reproduction.timing import Timing


def add_record(
    draft: Draft,
    watch: Watch,
    claim: Cell,
    program: str,
    seconds: Sequence[float],
    ours: Timing,
    atoms: int,
) -> None:
    """A row of the CPU time that `program` took for the bundled labels over ours."""
    theirs = middle_of(seconds)
    ratio = theirs / ours.cpu
    cell = watch.measured(
        ratio.value,
        "x",
        ratio.interval,
        qualifier=RECORDED,
        remark=(
            f"{program} took {theirs.value:.3g} s per frame when the data were made, on another "
            f"machine; ours {1e3 * ours.cpu.value:.3g} ms"
        ),
    )
    what = f"CPU time, the data's labels over our predictions, {atoms} atoms"
    draft.add("compute", what, claim, cell, headline=True)


def add_families(draft: Draft, found: Comparison, claim: Cell, remark: str = "") -> None:
    """Rows of ratios at equal size and of exponents."""
    for family in found.families:
        label, ours = f"{family.name}, {family.atoms[-1]} atoms", family.ours[-1]
        ratio = family.ratio()
        words = (
            f"{family.theirs[-1]:.3g} s over {1e3 * ours.time.cpu.value:.3g} ms; by the clock "
            f"{family.wall_ratio():.3g} x"
        )
        cell = Measured(ratio.value, "x", found.run, ratio.interval, remark=_joined(words, remark))
        draft.add("compute", f"CPU time, PySCF over ours, {label}", claim, cell)
        counted = _operations(found, family.law.at(family.atoms[-1]), ours)
        draft.add("compute", f"operations, the same, {label}", claim, counted)
    for family in found.families:
        _add_exponents(draft, found, family)


def _add_exponents(draft: Draft, found: Comparison, family: Family) -> None:
    sizes = f"{family.atoms[0]} to {family.atoms[-1]} atoms"
    reach = [one.atoms for one in family.larger or family.ours]
    larger = f"{reach[0]} to {reach[-1]} atoms"
    laws = (
        (f"PySCF, CPU time, {family.name}, {sizes}", family.law),
        (
            f"ours, CPU time, {family.name}, {larger}",
            family.our_law(lambda one: one.time.cpu.value),
        ),
        (f"ours, operations, {family.name}, {larger}", family.our_law(lambda one: one.operations)),
    )
    for words, law in laws:
        ends = (law.exponent - law.exponent_error, law.exponent + law.exponent_error)
        cell = Measured(law.exponent, "power of atoms", found.run, ends)
        draft.add("scaling", words, Missing("the paper states none"), cell)


def add_beyond(draft: Draft, found: Comparison, one: Beyond, claim: Cell, remark: str = "") -> None:
    """Rows of the ratio at the paper's size."""
    ratio = one.theirs / one.ours.time.cpu
    words = (
        f"ours measured at this size: {1e3 * one.ours.time.cpu.value:.3g} ms; theirs carried there "
        f"by basis functions of {found.basis}, {one.theirs.value:.3g} s; the interval spans the "
        "families"
    )
    draft.add(
        "compute",
        f"CPU time, PySCF extrapolated over ours, {one.label}",
        claim,
        Measured(
            ratio.value,
            "x",
            found.run,
            ratio.interval,
            qualifier=EXTRAPOLATED,
            remark=_joined(words, remark),
        ),
        headline=True,
    )
    counted = _operations(found, one.theirs, one.ours, EXTRAPOLATED)
    draft.add("compute", f"operations, the same, {one.label}", claim, counted)


def _operations(
    found: Comparison, theirs: Estimate, ours: Prediction, qualifier: str = ""
) -> Measured:
    each = found.macs_per_second / ours.operations
    remark = (
        f"ours counted: {ours.operations:.3g}; theirs: CPU time x "
        f"{found.macs_per_second / 1e9:.1f} GMAC/s, the rate of matrix products here"
    )
    interval = (theirs.low * each, theirs.high * each)
    return Measured(theirs.value * each, "x", found.run, interval, "at most", qualifier, remark)


def _joined(*words: str) -> str:
    return "; ".join(word for word in words if word)


def add_scaling_charts(draft: Draft, title: str, found: Comparison, one: Beyond) -> None:
    """Time and operations over atoms, with fitted laws."""
    rate = found.macs_per_second
    draft.charts += [
        _chart(f"{title}: time", "CPU time (s)", found, one, 1.0, lambda ours: ours.time.cpu),
        _chart(
            f"{title}: operations (of first principles at most)",
            "operations",
            found,
            one,
            rate,
            lambda ours: Estimate.exact(ours.operations),
        ),
    ]


def _chart(
    title: str,
    quantity: str,
    found: Comparison,
    one: Beyond,
    rate: float,
    cost: Callable[[Prediction], Estimate],
) -> Curves:
    """`rate` turns their seconds into the quantity."""
    series: list[Series] = []
    for group, family in enumerate(found.families):
        theirs = [Estimate.exact(rate * t) for t in family.theirs]
        law = family.law
        label = f"PySCF, {family.name}: N^({law.exponent:.2f} ± {law.exponent_error:.2f})"
        series.append(_points(label, family.atoms, theirs, group))
        ends = [float(family.atoms[0]), float(family.atoms[-1])]
        series.append(_line(ends, [rate * law.at(n).value for n in ends], group))
        own = (*family.ours, *family.larger)
        law = family.our_law(lambda ours: cost(ours).value)
        label = f"ours, {family.name}: N^({law.exponent:.2f} ± {law.exponent_error:.2f})"
        series.append(
            _points(label, [p.atoms for p in own], [cost(p) for p in own], group, hollow=True)
        )
        if family.larger:
            ends = [float(family.larger[0].atoms), float(family.larger[-1].atoms)]
            series.append(_line(ends, [law.at(n).value for n in ends], group))
    group = len(found.families)
    theirs = [Estimate(*(rate * t for t in (one.theirs.value, one.theirs.low, one.theirs.high)))]
    series.append(_points(f"PySCF, extrapolated: {one.label}", [one.ours.atoms], theirs, group))
    series.append(
        _points(f"ours: {one.label}", [one.ours.atoms], [cost(one.ours)], group, hollow=True)
    )
    return Curves(title, "atoms", quantity, tuple(series), x_log=True, y_log=True)


def _line(x: list[float], y: list[float], group: int) -> Series:
    return Series("", x, y, line=True, group=group)


def _points(
    label: str,
    atoms: Sequence[int],
    values: Sequence[Estimate],
    group: int,
    *,
    hollow: bool = False,
) -> Series:
    return Series(
        label,
        [float(n) for n in atoms],
        [one.value for one in values],
        [one.low for one in values],
        [one.high for one in values],
        group=group,
        hollow=hollow,
    )
