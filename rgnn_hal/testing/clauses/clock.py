"""The chip's clock."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from rgnn_hal.testing.bench import Bench
from rgnn_hal.testing.clause import Bias, clause, require
from rgnn_hal.testing.clauses.limits import spread
from rgnn_hal.testing.conditioning import strong_pulse


@clause(Bias.READ)
def time_goes_on(bench: Bench) -> None:
    """The clock never goes back, whatever is called."""
    drive = spread(bench, 2)
    with bench.open() as macro:
        verbs: dict[str, Callable[[], Any]] = {
            "apply": lambda: macro.apply(drive.voltage, region=drive.region),
            "read": macro.read,
            "multiply": lambda: macro.multiply(drive.voltage, region=drive.region),
            "read_conductance": lambda: macro.read_conductance(bench.patch),
            "wait": lambda: macro.wait(1e-3),
            "safe": macro.safe,
        }
        for kind in bench.kinds:
            pulse = strong_pulse(bench.spec.pulses[kind])
            mask = np.ones(bench.patch.shape, dtype=np.bool_)
            verbs[f"a {kind} pulse"] = partial(macro.pulse, kind, mask, **pulse, region=bench.patch)
        now = macro.clock()
        for _ in range(3):
            for name, verb in verbs.items():
                verb()
                before, now = now, macro.clock()
                require(now >= before, f"{name} took the clock from {before!r} to {now!r} s")
                require(macro.clock() >= now, f"after {name} the clock runs backwards")
