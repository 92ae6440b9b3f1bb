"""Learning forces from a few frames: one linear solve against networks trained by back-propagation.

Ours is a small reservoir on an exact emulated chip: all of its training, forming the chip included.
The rivals learn from the same frames and are judged on the same others, a quench that neither has
seen: the paper's force network with all layers trained, and PaiNN, which learns energies too. A
rival ends when it is as good as ours, or has had twelve times our time and our operations. The
ratios are those of the rival that needs least; where that one did not get there they are lower
bounds. Seconds are CPU time; floating-point operations are counted as executed, products on the
macro as if the host had done them.
"""

import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ase.io import write

from rgnn_hal.benchmarks.alone import Numbers
from rgnn_hal.benchmarks.network_training import train_energy_network
from rgnn_hal.benchmarks.trained_networks import PaiNN
from rgnn_hal.bundled import bundled
from rgnn_hal.cost import Operations
from rgnn_hal.macro import open_macro
from rgnn_hal.structures import LabelledFrame, read_frames, read_structures
from rgnn_hal.tasks.counts import Counts
from rgnn_hal.tasks.forces import ForcesRecipe, evaluate_forces, train_forces
from rgnn_hal.tasks.xu2025 import ForceNetwork, trained_layer
from rgnn_hal.tasks.xu2025.training import Epoch, train_force_network

_MACRO = "emulator://?seed=7&exact=true"
_CHANNELS = 32
_RECIPE = ForcesRecipe(channels=_CHANNELS, lmax=3)
_TRAINING, _TEST = 24, 8
_MOST_EPOCHS = 100_000
_TIMES = 12.0
"""What a rival gets of our time, and of our operations: enough to tell whether we need a tenth."""


@dataclass(frozen=True)
class _Ours:
    seconds: float
    operations: float
    force_mae: float
    elements: tuple[int, ...]


@dataclass(frozen=True)
class _Rival:
    """Where a training stopped."""

    last: Epoch
    reached: bool

    @property
    def operations(self) -> float:
        return _operations(self.last.work.all_digital)


def against_back_propagation(
    seconds: float, step: Callable[[], None], *, times: float = _TIMES
) -> Numbers:
    """All figures; `step` is told after each training.

    Every rival gets `seconds` of CPU time, and at least `times` our seconds and our operations.
    """
    with tempfile.TemporaryDirectory() as name:
        training = _first("li3po4_train.extxyz", _TRAINING, Path(name))
        test = _first("li3po4_test.extxyz", _TEST, Path(name))
        ours = _learn(training, test)
        frames, judged = list(read_frames(training)), list(read_frames(test))
    step()
    rivals = {}
    for label, epochs in _rivals(ours.elements, frames, judged).items():
        rivals[label] = _run_down(epochs, ours, seconds, times)
        step()
    figures: Numbers = {
        "training_seconds": ours.seconds,
        "training_frames": float(_TRAINING),
        "training_channels": float(_CHANNELS),
        "training_force_mae_mev_per_angstrom": 1e3 * ours.force_mae,
        **_ratio(
            "speedup", {k: r.last.cpu_seconds for k, r in rivals.items()}, ours.seconds, rivals
        ),
        **_ratio(
            "flops_ratio", {k: r.operations for k, r in rivals.items()}, ours.operations, rivals
        ),
    }
    for label, rival in rivals.items():
        figures[f"{label}_training_seconds"] = rival.last.cpu_seconds
        figures[f"{label}_training_epochs"] = float(rival.last.number)
        figures[f"{label}_force_mae_mev_per_angstrom"] = 1e3 * rival.last.force_mae
        figures[f"{label}_reached_our_error"] = rival.reached
    return figures


def _first(name: str, count: int, folder: Path) -> Path:
    """The first frames of bundled data, in a file of their own."""
    path = folder / name
    write(path, [atoms for _, atoms in islice(read_structures(bundled(name)), count)])
    return path


def _learn(training: Path, test: Path) -> _Ours:
    start = time.process_time()
    with open_macro(_MACRO) as macro:
        result = train_forces(training, macro, _RECIPE, macro_uri=_MACRO)
    seconds = time.process_time() - start
    work = Counts.of_record(result.model.record).training.all_digital
    error = evaluate_forces(result.model.on_twin(), test).force_mae
    return _Ours(seconds, _operations(work), error, result.model.elements)


def _rivals(
    elements: tuple[int, ...], training: list[LabelledFrame], test: list[LabelledFrame]
) -> dict[str, Iterable[Epoch]]:
    paper = ForceNetwork(trained_layer(0), elements)
    painn = PaiNN(len(elements), _RECIPE.cutoff)
    return {
        "paper_network": train_force_network(paper, elements, training, test, epochs=_MOST_EPOCHS),
        "painn": train_energy_network(painn, elements, _RECIPE.cutoff, training, test),
    }


def _run_down(epochs: Iterable[Epoch], ours: _Ours, seconds: float, times: float) -> _Rival:
    for epoch in epochs:
        rival = _Rival(epoch, epoch.force_mae <= ours.force_mae)
        over = (
            epoch.cpu_seconds >= max(seconds, times * ours.seconds)
            and rival.operations >= times * ours.operations
        )
        if rival.reached or over:
            break
    return rival


def _ratio(what: str, theirs: dict[str, float], ours: float, rivals: dict[str, _Rival]) -> Numbers:
    """What the rival that needs least needs over what we need."""
    least = min(theirs, key=lambda label: theirs[label])
    name = f"training_{what}_at_equal_error"
    return {name: theirs[least] / ours, f"{name}_is_lower_bound": not rivals[least].reached}


def _operations(work: Operations) -> float:
    """Floating-point operations: a multiply-accumulate is two."""
    return float(2 * work.macs + work.special + work.elementary)
