"""Speed and energy of counted work: a digital machine with a macro beside it, against it alone.

`rgnn_hal.cost.comparison` says how; the macro and one machine are of its 40 nm, the other machine
is a graphics processor of its own node. Every figure comes from a preset with its source, and the
intervals follow from those of the presets. The paper does not say what it compared with.
"""

from collections.abc import Mapping

from rgnn_hal.cost.comparison import assess
from rgnn_hal.cost.hardware import load_machine, load_macro
from rgnn_hal.cost.uncertainty import Modelled as Prediction
from rgnn_hal.cost.work import Work
from rgnn_hal.reproduction.cell import Cell, Modelled, Run
from rgnn_hal.reproduction.chart import Bar, Bars
from rgnn_hal.reproduction.table import Draft

_MACRO, _DIGITAL = "chip", ("accelerator", "gpu")


def add_gains(
    draft: Draft,
    title: str,
    workloads: Mapping[str, tuple[Work, Run]],
    speed: Cell,
    energy: Cell,
) -> None:
    """Rows of speed and energy beside the paper's, and bars of what stands behind them."""
    macro = load_macro(_MACRO)
    joules: list[Bar] = []
    seconds: list[Bar] = []
    for label, (work, counted) in workloads.items():
        for name in _DIGITAL:
            machine = load_machine(name)
            found = assess(work, macro, machine, [machine])
            (baseline,) = found.baselines
            presets = (_MACRO, name)
            fast = Modelled.of(baseline.gain.area_normalised_speed, "x", presets, counted)
            frugal = Modelled.of(baseline.gain.energy, "x", presets, counted)
            draft.add("speed", f"{label}, per area, against {name}", speed, fast)
            draft.add("energy", f"{label}, against {name}", energy, frugal)
            for words, taken in ((name, baseline.alone), (f"macro + {name}", found.system)):
                joules.append(_bar(f"{label}: {words}", taken.energy))
                seconds.append(_bar(f"{label}: {words}", taken.latency))
    draft.charts += [
        Bars(f"{title}: energy", "energy (J)", tuple(joules)),
        Bars(f"{title}: latency", "latency (s)", tuple(seconds)),
    ]


def _bar(label: str, found: Prediction) -> Bar:
    return Bar(label, found.value, found.low, found.high)
