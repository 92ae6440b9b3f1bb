"""Figures follow the process: from the node of their source to the node of a macro.

    value' = value (F'/F)^n (V'/V)^m,        ln factor' = hypot(ln factor, s ln(F'/F))

F is the node, V the nominal supply of its logic (`_SUPPLY`, interpolated). Which powers n and m a
figure follows, and the spread s of n, is its `Law`; the further a figure is carried, the less it is
known. The powers are those of constant-field scaling, with the supply apart because it stopped to
follow the node below 90 nm (Stillmaker and Baas, Integration 58, 74 (2017)):

    logic energy    C V^2: n = 1, m = 2         logic delay    n = 1        logic area   n = 2
    analog power    n = 0, m = 1: noise asks for the same current at any node
    analog area     n = 1: capacitors and matched pairs shrink with the oxide, not with the square
                    (Kinget, JSSC 40, 1212 (2005))
    cells           n = 2 in area, n = 1 in wire; conductances and read voltages belong to the
                    device and follow no node
"""

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from rgnn_hal.cost.figure import Figure, Frozen


@dataclass(frozen=True)
class Law:
    """Powers of the node and of the supply that a figure follows."""

    node: float
    supply: float = 0.0
    spread: float = 0.3
    """Standard deviation of `node`."""


LOGIC_ENERGY = Law(1.0, 2.0)
LOGIC_TIME = Law(1.0)
LOGIC_RATE = Law(-1.0)
LOGIC_POWER = Law(0.0, 2.0)
"""Energy per time, at a clock that rises as the delay falls."""
LOGIC_AREA = Law(2.0)
ANALOG_POWER = Law(0.0, 1.0, spread=0.5)
ANALOG_AREA = Law(1.0, spread=0.5)
CELL_AREA = Law(2.0)
WIRE = Law(1.0)
SUPPLY = Law(0.0, 1.0, spread=0.0)

_SUPPLY = {
    7e-9: 0.7,
    14e-9: 0.8,
    22e-9: 0.8,
    28e-9: 0.9,
    40e-9: 1.1,
    65e-9: 1.2,
    90e-9: 1.2,
    130e-9: 1.2,
    180e-9: 1.8,
}
"""V of foundries' low-power logic by node, m."""

_Hardware = TypeVar("_Hardware", bound=Frozen)


def at_node(hardware: _Hardware, node: float) -> _Hardware:
    """`hardware` at another node, m; its field `node` says at which one it is.

    Figures that name the node of their source are carried from there, the others from the
    hardware's own.
    """
    own: Figure = hardware.node  # type: ignore[attr-defined]
    moved = _moved(hardware, own.value, node)
    return moved.model_copy(update={"node": own.model_copy(update={"value": node})})


def supply(node: float) -> float:
    """Nominal supply of logic at `node`, V."""
    logs = np.log(list(_SUPPLY))
    return float(np.interp(math.log(node), logs, list(_SUPPLY.values())))


def _moved(part: _Hardware, own: float, node: float) -> _Hardware:
    changes: dict[str, object] = {}
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        law = next((item for item in field.metadata if isinstance(item, Law)), None)
        if isinstance(value, Figure) and law is not None:
            changes[name] = _carried(value, law, own, node)
        elif isinstance(value, Frozen) and not isinstance(value, Figure):
            changes[name] = _moved(value, own, node)
    return part.model_copy(update=changes)


def _carried(figure: Figure, law: Law, own: float, node: float) -> Figure:
    start = figure.node or own
    if start == node:
        return figure.model_copy(update={"node": None})
    ratio = node / start
    value = figure.value * ratio**law.node * (supply(node) / supply(start)) ** law.supply
    factor = math.exp(math.hypot(math.log(figure.factor), law.spread * math.log(ratio)))
    return figure.model_copy(update={"value": value, "factor": factor, "node": None})
