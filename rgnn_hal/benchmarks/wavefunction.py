"""Wavefunctions: time to chemical accuracy, on an exact macro, in CPU time of one thread.

`seconds_to_chemical_accuracy_*` is the time from a bare molecule, forming of the network included,
until the energy lies within 1.6 millihartree of the exact one *and* its standard error is below
half of that. `walkers_per_second` and the fractions are those of H2. Configuration interaction of
two electrons in a good basis is the honest rival: `pyscf_seconds_*` is its time in cc-pVQZ in the
same run where PySCF is installed, `pyscf_error_*_hartree` what that leaves. The emulator is part of
our time; a chip would not be.
"""

import time
from dataclasses import dataclass

from rgnn_hal.macro import open_macro
from rgnn_hal.progress import Progress
from rgnn_hal.tasks.wavefunction import (
    Limits,
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
        progress(number + 1, len(_CASES), "bench wavefunction")
    return figures


def _to_accuracy(case: _Case, seconds: float) -> dict[str, float]:
    start, reached = time.thread_time(), float("nan")
    recipe = WavefunctionRecipe(samples=8000, iterations=4)
    state = begin(parse_molecule(case.molecule), recipe, _MACRO)
    with open_macro(_MACRO) as macro:
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
        f"error_hartree_{case.name}": found["energy_hartree"] - case.exact,
        f"standard_error_hartree_{case.name}": found["standard_error_hartree"],
        "walkers_per_second": speed,
        "macro_mac_fraction": found["macro_mac_fraction"],
        "evaluation_macro_mac_fraction": found["evaluation_macro_mac_fraction"],
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
