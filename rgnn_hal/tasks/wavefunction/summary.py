"""A run in numbers: the energy, its error, and what was computed where.

Two fractions say how much of the arithmetic a macro did. `macro_mac_fraction` is one walker from
move to E_L, as the paper counts. `run_macro_mac_fraction` is the whole run, with everything that
the host did for training, walking and checking in the denominator; training sets them apart.
"""

from __future__ import annotations

from typing import Any

from rgnn_hal.tasks.wavefunction.body import network_macs
from rgnn_hal.tasks.wavefunction.reference import ansatz_of
from rgnn_hal.tasks.wavefunction.state import State
from rgnn_hal.tasks.wavefunction.training import NO_PROGRESS
from rgnn_hal.tasks.wavefunction.work import HostWork


def summary(state: State) -> dict[str, Any]:
    """A run in numbers, by the names of the command line."""
    measurement, totals = state.measurement, state.totals
    frozen = state.weights.parameters if state.weights else 0
    result: dict[str, Any] = {
        "energy_hartree": None,
        "standard_error_hartree": None,
        "variance_hartree2": None,
        "trained_parameters": state.parameters.size,
        "frozen_parameters": frozen,
    }
    if measurement is not None and measurement.steps:
        blocked = measurement.result()
        result |= {
            "energy_hartree": blocked.mean,
            "standard_error_hartree": blocked.standard_error,
            "variance_hartree2": measurement.variance,
            "samples": measurement.samples,
            "autocorrelation_steps": blocked.autocorrelation,
            "weight_efficiency": measurement.efficiency,
        }
    macs = totals.macro_macs + totals.host_macs
    return result | {
        "acceptance": state.walkers.acceptance,
        "optimisation_steps": sum(row["kind"] not in NO_PROGRESS for row in state.history),
        "clipped_fraction": totals.clipped,
        "macro_mac_fraction": _evaluation_fraction(state),
        "run_macro_mac_fraction": totals.macro_macs / macs if macs else 0.0,
        "macro_macs": totals.macro_macs,
        "host_macs": totals.host_macs,
        "products": totals.products,
        "conversions": totals.conversions,
        "seconds": totals.seconds,
    }


def _evaluation_fraction(state: State) -> float:
    """The macro's share of walking to one sample and evaluating it, without training and checks."""
    if state.weights is None:
        return 0.0
    work = HostWork(ansatz_of(state.molecule), len(state.parameters.head))
    work.walk(state.recipe.sweeps * state.molecule.electrons)
    work.evaluate(1)
    shapes = [placement.shape for placement in state.weights.placements]
    macro = network_macs(shapes, len(work.ansatz.inputs.opposite))
    return macro / (macro + work.macs)
