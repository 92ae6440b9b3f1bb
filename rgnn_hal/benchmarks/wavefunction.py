"""Wavefunctions: time to chemical accuracy, on an exact macro, in CPU time of one thread.

`seconds_to_chemical_accuracy_*` is the time from a bare molecule, forming of the network included,
until the energy lies within 1.6 millihartree of the exact one *and* its standard error is below
half of that. `walkers_per_second` and the fractions (`summary`) are those of H2. Configuration
interaction of two electrons in a good basis is the honest rival: `pyscf_seconds_*` is its time in
cc-pVQZ in the same run where PySCF is installed, `pyscf_error_*_hartree` what that leaves. The
emulator is part of our time; a chip would not be.

`training_speedup_at_equal_error` is the time in which the same network on H2, all of its weights
trained by back-propagation on the host (`fully_trained`), becomes as good as ours is when its
training ends, over the time of that training, emulator and forming included; both begin with a bare
molecule. As good means chemically accurate and with no larger variance of E_L, which is zero for an
exact state, grows with the error of psi and, unlike an energy, shows what is left of it within
seconds. `fully_trained_reached` is 0 where it did not get there within the budget of twelve times
our time; the speedup is a lower bound then.
`training_speedup_at_chemical_accuracy` is the same race up to a running energy within 1.6
millihartree, on which variances have no say: a coarse error that hardly needs the network.
"""

import math
import time
from dataclasses import dataclass

import numpy as np

from rgnn_hal.benchmarks.fully_trained import FullyTrained
from rgnn_hal.macro import open_macro
from rgnn_hal.progress import Progress
from rgnn_hal.tasks.wavefunction import (
    Limits,
    State,
    WavefunctionRecipe,
    begin,
    parse_molecule,
    solve,
    summary,
)

_ACCURACY = 1.6e-3
"""Hartree; 1 kcal/mol."""
_MACRO = "emulator://?seed=7&exact=true"
_MOST_STEPS = 400
_BUDGET = 12.0
"""Of the fully trained network, in times of our training."""
_COARSELY = "_to_chemical_accuracy"
_RECIPE = WavefunctionRecipe(samples=8000, iterations=4)


@dataclass(frozen=True)
class _Case:
    name: str
    molecule: str
    exact: float


_CASES = (
    _Case("h2", "H 0 0 0; H 0 0 1.4", -1.17447571),  # Sims and Hagstrom, JCP 124, 094101 (2006)
    _Case("he", "He 0 0 0", -2.90372438),  # Schwartz, Int. J. Mod. Phys. E 15, 877 (2006)
)


def measure(seconds: float, progress: Progress) -> dict[str, float]:
    """Run every case to accuracy; `seconds` is how long the speed of walkers is watched."""
    figures: dict[str, float] = {}
    for number, case in enumerate(_CASES):
        figures = _to_accuracy(case, seconds) | _rival(case) | figures
        progress(number + 1, len(_CASES) + 1, "bench wavefunction")
    figures |= _fully_trained(_CASES[0], figures)
    progress(len(_CASES) + 1, len(_CASES) + 1, "bench wavefunction")
    return figures


def _to_accuracy(case: _Case, seconds: float) -> dict[str, float]:
    start, reached, accurate, trained = time.thread_time(), math.nan, math.nan, math.nan
    state = begin(parse_molecule(case.molecule), _RECIPE, _MACRO)

    def watch(_: str) -> None:
        nonlocal accurate, trained
        if state.measurement is None:
            trained = time.thread_time() - start
        if math.isnan(accurate) and state.history[-1]["energy_hartree"] < case.exact + _ACCURACY:
            accurate = time.thread_time() - start

    with open_macro(_MACRO) as macro:
        solve(state, macro, Limits(steps=1), tell=watch)
        for steps in range(4, _MOST_STEPS, 2):
            solve(state, macro, Limits(steps=steps))
            result = summary(state)
            off = abs(result["energy_hartree"] - case.exact)
            if off < _ACCURACY and result["standard_error_hartree"] < _ACCURACY / 2:
                reached = time.thread_time() - start
                break
        found, first = summary(state), summary(state)["samples"]
        start = time.thread_time()
        while time.thread_time() - start < seconds:
            solve(state, macro, Limits(steps=state.measurement.steps + 2))  # type: ignore[union-attr]
        speed = (summary(state)["samples"] - first) / max(time.thread_time() - start, 1e-9)
    return {
        f"seconds_to_chemical_accuracy_{case.name}": reached,
        f"training_seconds_{case.name}": trained,
        f"training_seconds_to_chemical_accuracy_{case.name}": accurate,
        f"error_hartree_{case.name}": found["energy_hartree"] - case.exact,
        f"standard_error_hartree_{case.name}": found["standard_error_hartree"],
        f"variance_hartree2_{case.name}": _variance(state),
        "walkers_per_second": speed,
        "macro_mac_fraction": found["macro_mac_fraction"],
        "run_macro_mac_fraction": found["run_macro_mac_fraction"],
    }


def _variance(state: State) -> float:
    """Of E_L, hartree^2, from all walkers: without noise the macro's E_L are good enough for it."""
    assert state.measurement is not None
    product, weight = np.stack(state.measurement.rows, axis=1)
    off = product / weight - product.sum() / weight.sum()
    return float((weight * off**2).sum() / weight.sum())


def _fully_trained(case: _Case, ours: dict[str, float]) -> dict[str, float]:
    """The same network with every weight trained, until it is as good or the budget is spent."""
    seconds, soon = (ours[f"training_seconds{to}_{case.name}"] for to in ("", _COARSELY))
    target, budget, start = case.exact + _ACCURACY, _BUDGET * seconds, time.thread_time()
    network = FullyTrained.begin(parse_molecule(case.molecule), _RECIPE)
    first = network.train(target, budget)
    coarsely = time.thread_time() - start
    training = network.train(
        target, budget - coarsely, variance=ours[f"variance_hartree2_{case.name}"]
    )
    spent = time.thread_time() - start
    return {
        "training_speedup_at_equal_error": spent / seconds,
        "training_speedup_at_chemical_accuracy": coarsely / soon,
        "fully_trained_reached": float(training.reached),
        "fully_trained_seconds": spent,
        "fully_trained_seconds_to_chemical_accuracy": coarsely,
        "fully_trained_budget_seconds": budget,
        "fully_trained_steps": first.steps + training.steps,
        "fully_trained_error_hartree": training.energy - case.exact,
        "fully_trained_standard_error_hartree": training.standard_error,
        "fully_trained_variance_hartree2": training.variance,
    }


def _rival(case: _Case) -> dict[str, float]:
    """All excitations of two electrons in cc-pVQZ, by PySCF."""
    try:
        from pyscf import fci, gto, scf
    except ImportError:
        return {}
    start = time.thread_time()
    molecule = gto.M(atom=case.molecule, unit="bohr", basis="cc-pvqz", verbose=0)
    field = scf.RHF(molecule).run()
    energy = float(fci.FCI(field).kernel()[0])
    return {
        f"pyscf_seconds_{case.name}": time.thread_time() - start,
        f"pyscf_error_{case.name}_hartree": energy - case.exact,
    }
