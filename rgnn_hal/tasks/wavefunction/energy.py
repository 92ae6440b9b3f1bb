"""The energy of a finished wavefunction: most of the work on the macro, none of its noise in it.

The trial wavefunction psi is the twin's: the weights as they were read back are a fixed set of
numbers, so whatever the read-back error, <psi|H|psi>/<psi|psi> is an upper bound. Walkers sample a
guide g (`sampler`), and the energy is a ratio of two averages over them,

    E = <w e> / <w>,      w = |psi/g|^2,      e = E_L of psi.

A macro gives w' and e' instead: cheap, but noisy, and since both are non-linear in the products
their averages are biased. A random 1/m of the walkers is therefore evaluated with the twin as well,
and each average is corrected by what that finds (two-level Monte Carlo, Giles, Oper. Res. 56, 607
(2008)):

    <w e> = <w' e'> + <w e - w' e'>_checked

which holds exactly in expectation for any noise. Noise only widens the error bar, by m times the
variance D of the difference. Where E_L is large, so is its noise: nothing is clipped here.

A pilot measures D and the variance V of what is averaged, and m is where the error bar is smallest
for the work, m^2 = V/D times the twin's cost over the macro's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rgnn_hal.tasks.wavefunction.ansatz import Ansatz, Parameters, Scene
from rgnn_hal.tasks.wavefunction.blocking import Blocked, blocked
from rgnn_hal.tasks.wavefunction.body import Body
from rgnn_hal.tasks.wavefunction.sampler import Walkers, walk

FloatArray = NDArray[np.float64]

_PILOT, _PILOT_PAIRS = 1000, 32_000
"""Walkers of a pilot, and pairs of their electrons, at most: a thousand of N2 have 91 000."""
_COST_RATIO = 10.0
"""What a product costs on a host over what it costs on a macro: an order of magnitude, since the
paper claims 4.4 for its whole wavefunction. The emulator's CPU time says 0.2, and would have a
noisy chip's twin do all of the work."""
_MOST = 128
"""Checks also give the variance of E_L, and a pilot may miss what is rare."""


@dataclass
class Measurement:
    """Corrected w e and w of every step, (walkers,) each, and sums over the checked walkers."""

    reference: float
    """Logarithm of w that counts as zero."""
    check_every: int = 1
    """m."""
    rows: list[FloatArray] = field(default_factory=list)
    """Of every step, (2, walkers)."""
    checks: FloatArray = field(default_factory=lambda: np.zeros(3))
    """Sums over checked walkers of w, w e and w e^2, by the twin."""

    def result(self) -> Blocked:
        """Energy, its standard error and the autocorrelation time in steps."""
        product, weight = np.stack(self.rows, axis=1)
        energy = product.sum() / weight.sum()
        influence = (product - energy * weight) / weight.mean()
        spread = blocked(influence)
        return Blocked(float(energy), spread.standard_error, spread.autocorrelation)

    @property
    def steps(self) -> int:
        """Steps measured."""
        return len(self.rows)

    @property
    def samples(self) -> int:
        """Walkers measured, over all steps."""
        return sum(row.shape[1] for row in self.rows)

    @property
    def variance(self) -> float:
        """Variance of E_L over |psi|^2, hartree^2, from the checked walkers."""
        total, first, second = self.checks
        return float(second / total - (first / total) ** 2)

    @property
    def efficiency(self) -> float:
        """(sum w)^2 / (n sum w^2): how well the guide stands in for psi."""
        weight = np.stack(self.rows)[:, 1]
        return float(weight.mean() ** 2 / np.mean(weight**2))


def measure_step(
    ansatz: Ansatz,
    parameters: Parameters,
    body: Body | None,
    walkers: Walkers,
    measurement: Measurement,
    *,
    sweeps: int,
) -> None:
    """Walk, evaluate every walker on the macro and some with the twin too."""
    log_guide = walk(ansatz, parameters, walkers, sweeps)
    check_every, reference = measurement.check_every, measurement.reference
    checked = slice(measurement.steps % check_every, None, check_every)
    here = walkers.positions
    scene = ansatz.scene(here, None)
    seen = scene.joined(body.on_macro(here)) if body else scene
    weight, energy = _weigh(ansatz, parameters, seen, log_guide, reference)
    product = weight * energy
    true = scene.part(checked)
    true = true.joined(body.on_host(here[checked])) if body else true
    true_weight, true_energy = _weigh(ansatz, parameters, true, log_guide[checked], reference)
    true_product = true_weight * true_energy
    scale = len(weight) / len(true_weight)
    product[checked] += scale * (true_product - product[checked])
    weight[checked] += scale * (true_weight - weight[checked])
    measurement.rows.append(torch.stack([product, weight]).numpy())
    moments = [true_weight, true_product, true_product * true_energy]
    measurement.checks += torch.stack(moments).sum(1).numpy()


def pilot(
    ansatz: Ansatz,
    parameters: Parameters,
    body: Body | None,
    walkers: Walkers,
    check_every: int | None,
) -> Measurement:
    """An empty measurement whose constants one look at the walkers fixed.

    `check_every` is chosen unless it is given.
    """
    pairs = max(len(ansatz.inputs.opposite), 1)
    here = walkers.positions[: min(_PILOT, _PILOT_PAIRS // pairs)]
    log_guide = walk(ansatz, parameters, replace(walkers, positions=here.clone()), 0)
    scene = ansatz.scene(here, None)
    exact = scene.joined(body.on_host(here)) if body else scene
    local = ansatz.local(exact, parameters)
    reference = float((local.logarithm - log_guide).median())
    if body is None or check_every is not None:
        return Measurement(reference, min(check_every or 1, len(walkers.positions)))
    rows = [
        _weigh(ansatz, parameters, seen, log_guide, reference)
        for seen in (exact, scene.joined(body.on_macro(here)))
    ]
    mean = float((rows[0][0] * rows[0][1]).sum() / rows[0][0].sum())
    true, noisy = (weight * (energy - mean) for weight, energy in rows)
    ratio = float(true.var() / (noisy - true).var().clamp_min(1e-30))
    best = max(1, min(round((_COST_RATIO * ratio) ** 0.5), _MOST))
    return Measurement(reference, min(best, len(walkers.positions)))


def _weigh(
    ansatz: Ansatz,
    parameters: Parameters,
    scene: Scene,
    log_guide: Tensor,
    reference: float,
) -> tuple[Tensor, Tensor]:
    """w and e, each (walkers,)."""
    local = ansatz.local(scene, parameters)
    return torch.exp(2.0 * (local.logarithm - log_guide - reference)), local.energy
