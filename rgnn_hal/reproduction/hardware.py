"""Speed and energy of counted work: machines with a macro beside them, against machines alone.

The paper does not say what it compared with, so a workload is set beside a digital accelerator of
the macro's 40 nm and a graphics processor, each with a macro's help and without, and beside the
same processor where the accelerator is the macro's host. Every figure comes from a preset with its
source; intervals follow from those of the presets. `rgnn_hal.cost.assumptions` then counts the
paper's network in other ways, to see which of them its ratios need.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rgnn_hal.cost.assumptions import AS_COUNTED, ASSUMPTIONS, PRODUCTS_ALONE, Assumption
from rgnn_hal.cost.comparison import Assessment, Baseline, Ratios, assess
from rgnn_hal.cost.energy import macro_cost
from rgnn_hal.cost.hardware import Machine, MacroHardware, load_machine, load_macro
from rgnn_hal.cost.uncertainty import Modelled as Prediction
from rgnn_hal.cost.work import Work
from rgnn_hal.reproduction.cell import Modelled, Quoted, Run
from rgnn_hal.reproduction.chart import Bar, Bars
from rgnn_hal.reproduction.table import Draft

_CHIP, _BOARD, _HOST, _PROCESSOR = "chip", "board", "accelerator", "gpu"
_AT_ONCE = "one analog read per product, no bit planes"


@dataclass(frozen=True)
class Counted:
    """One inference, and how it was counted."""

    label: str
    work: Work
    run: Run


@dataclass(frozen=True)
class Claims:
    """What the paper says that its macro gains."""

    speed: Quoted
    """Per area."""
    energy: Quoted


def add_gains(
    draft: Draft, title: str, theirs: Counted, at_once: Work, ours: Counted, claims: Claims
) -> None:
    """Rows of speed and energy, charts of what stands behind them, and why they differ.

    Args:
        draft: what grows.
        title: the task and its structure.
        theirs: the paper's network, inputs in bit planes.
        at_once: the same with a single read per product.
        ours: our model's inference.
        claims: of the paper.
    """
    macro, host, processor = load_macro(_CHIP), load_machine(_HOST), load_machine(_PROCESSOR)
    rows = _Rows(draft, claims)
    joules: list[Bar] = []
    seconds: list[Bar] = []
    for counted in (theirs, ours):
        found = assess(counted.work, macro, host, [host, processor])
        own, other = found.baselines
        first = counted is theirs
        both = (_CHIP, _HOST, _PROCESSOR)
        rows.add(counted, "gpu alone over macro + accelerator", other.ratio, both, first)
        rows.add(counted, "accelerator alone over macro + accelerator", own.gain, both[:2], first)
        rows.add(counted, "gpu alone over macro + gpu", other.gain, (_CHIP, _PROCESSOR))
        joules += _bars(counted.label, found, "energy")
        seconds += _bars(counted.label, found, "latency")
        if first:
            draft.notes.append(_baseline(own, other))
    draft.charts += [
        Bars(f"{title}: energy", "energy of one inference (J)", tuple(joules)),
        Bars(f"{title}: latency", "latency of one inference (s)", tuple(seconds)),
    ]
    products = PRODUCTS_ALONE.ratios(theirs.work, macro, processor)
    rows.add(theirs, f"gpu over macro, {PRODUCTS_ALONE.name}", products, (_CHIP, _PROCESSOR))
    (board,) = assess(theirs.work, load_macro(_BOARD), host, [processor]).baselines
    presets = (_BOARD, _HOST, _PROCESSOR)
    rows.add(theirs, "gpu alone over its published board + accelerator", board.ratio, presets)
    _assumptions(draft, title, theirs, at_once, claims, macro, (host, processor))


@dataclass(frozen=True)
class _Rows:
    draft: Draft
    claims: Claims

    def add(
        self,
        counted: Counted,
        what: str,
        found: Ratios,
        presets: tuple[str, ...],
        headline: bool = False,
    ) -> None:
        for claim, quoted, one, words in (
            ("speed", self.claims.speed, found.area_normalised_speed, ", per area"),
            ("energy", self.claims.energy, found.energy, ""),
        ):
            cell = Modelled.of(one, "x", presets, counted.run)
            label = f"{counted.label}: {what}{words}"
            self.draft.add(claim, label, quoted, cell, headline=headline)


def _bars(label: str, found: Assessment, quantity: str) -> list[Bar]:
    def bar(words: str, one: Prediction, group: str) -> Bar:
        return Bar(f"{label}: {words}", one.value, one.low, one.high, group)

    alone = [
        bar(f"{one.machine.name} alone", getattr(one.alone, quantity), "a machine alone")
        for one in found.baselines
    ]
    system = getattr(found.system, quantity)
    return [*alone, bar("macro + accelerator", system, "with a macro")]


def _assumptions(
    draft: Draft,
    title: str,
    theirs: Counted,
    at_once: Work,
    claims: Claims,
    macro: MacroHardware,
    machines: Sequence[Machine],
) -> None:
    """Every assumption alone and all together, against both machines."""
    ways = [(one, theirs.work) for one in ASSUMPTIONS[:-1]]
    ways.insert(1, (Assumption(_AT_ONCE), at_once))
    ways.append((ASSUMPTIONS[-1], at_once))
    speeds: list[Bar] = []
    energies: list[Bar] = []
    for one, work in ways:
        for machine in machines:
            found = one.ratios(work, macro, machine)
            label = f"{one.name} ({machine.name})"
            for bars, value in ((speeds, found.area_normalised_speed), (energies, found.energy)):
                bars.append(Bar(label, value.value, value.low, value.high, machine.name))
    for words, bars, claim in (
        ("speed per area", speeds, claims.speed),
        ("energy", energies, claims.energy),
    ):
        draft.charts.append(
            Bars(
                f"{title}: what the paper's network gains in {words}, by what is counted",
                f"gain in {words} (x)",
                tuple(bars),
                mark=claim.value,
                mark_label=f"the paper: {claim.value:g} x",
            )
        )
    draft.notes += [_anatomy(theirs.work, macro), _verdict(speeds, energies, claims)]


def _baseline(own: Baseline, other: Baseline) -> str:
    """What the macro's host would have gained without the macro."""
    speed = other.ratio.area_normalised_speed.value, own.gain.area_normalised_speed.value
    energy = other.ratio.energy.value, own.gain.energy.value
    return (
        f"Against a graphics processor with its whole die, a macro with a small accelerator as its "
        f"host is {speed[0]:.2g} times as fast per area and takes {energy[0]:.2g} times less "
        f"energy; the accelerator without the macro is {speed[0] / speed[1]:.2g} times as fast and "
        f"takes {energy[0] / energy[1]:.2g} times less. Such a ratio says more about what was "
        "chosen to compare with than about the macro."
    )


def _anatomy(work: Work, macro: MacroHardware) -> str:
    """Where a macro's time and area go, in one sentence each."""
    cost, analog = macro_cost(work.analog, macro), work.analog
    cells = analog.macs / (analog.samples * macro.rows * macro.cols)
    turns = cost.latency["adc"] / cost.seconds
    area = {name: value / cost.square_metres for name, value in cost.area.items()}
    return (
        f"Why the speed differs. For {analog.multiplications:.3g} multiply-accumulates the macro "
        f"is read {analog.samples:.3g} times, one read after the other: "
        f"{analog.samples / analog.products:.0f} times per product for the bits of the inputs and "
        f"their offset. A read uses {cells:.1%} of the cells, because the network's matrices are "
        f"small, and {turns:.0%} of the time columns wait for one of {macro.cols}/"
        f"{macro.columns_per_adc} converters. Of the macro's {1e6 * cost.square_metres:.2f} mm² "
        f"cells are {area['cells']:.0%}; converters, amplifiers and drivers are the rest."
    )


def _verdict(speeds: Sequence[Bar], energies: Sequence[Bar], claims: Claims) -> str:
    """Which ways of counting reach the claims."""
    reaching = {
        words: [bar.label for bar in bars if bar.value >= claim.value]
        for words, bars, claim in (
            ("speed per area", speeds, claims.speed),
            ("energy", energies, claims.energy),
        )
    }
    return (
        "The paper does not publish what its ratios include: no area, no share of converters, no "
        "utilisation, no baseline. "
        + " ".join(
            f"Its {words} is reached by: {'; '.join(labels) if labels else 'none of these'}."
            for words, labels in reaching.items()
        )
        + f" {AS_COUNTED.name.capitalize()} means: reads one after the other, columns in turns, "
        "small matrices, and a host that does the rest and takes its area."
    )
