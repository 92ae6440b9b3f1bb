"""Hamiltonians: how much faster than the calculation that made the labels, and how that grows.

`dft_speedup` is `dft_seconds_per_frame` over `seconds_per_frame`: PySCF, PBE/def2-SVP with the
settings and the convergence of the labels and no start of ours, against predictions of molecules of
water by the digital twin, `frames_per_batch` at a time as `predict` takes them; in turn with each
other, in CPU time of one thread, the best of some rounds of both. The model is small, and
`validation_mae_microhartree` says what it is worth on frames that it has not seen; `default_*` are
the same figures of the default recipe, `*_of_one_frame_alone` those of a batch of one.

`scaling_exponent` is d ln(seconds) / d ln(atoms) of one prediction for supercells of graphene,
`dft_scaling_exponent` that of PySCF for clusters of water, both over the sizes that stand beside.
`atoms_at_1000x` is where both carry water's ratio on to a thousand:
3 (1000 / ratio)^(1 / (dft exponent - exponent)); `default_atoms_at_1000x` likewise.
"""

import time
from collections.abc import Sequence
from pathlib import Path

import ase
import numpy as np

from rgnn_hal.benchmarks.alone import Numbers
from rgnn_hal.benchmarks.timing import best_times
from rgnn_hal.bundled import bundled
from rgnn_hal.macro import open_macro
from rgnn_hal.progress import Progress, silent
from rgnn_hal.tasks.hamiltonian import (
    HamiltonianFile,
    HamiltonianRecipe,
    TrainingResult,
    train_hamiltonian,
)
from rgnn_hal.tasks.hamiltonian.batch import Structure
from rgnn_hal.tasks.hamiltonian.guess import pyscf_molecule

_MACRO = "emulator://?seed=7&exact=true"
_SMALL = HamiltonianRecipe(channels=12, lmax=3)
_CRYSTAL = HamiltonianRecipe(channels=12, lmax=3)
_TOGETHER = 256
_SPREAD = 0.01
"""Angstrom; repeated frames are moved by this, so that no two are alike."""
_CLUSTERS = (1, 2, 4)
_SUPERCELLS = ((1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4))
_SPACING = 3.1
"""Angstrom between molecules of a cluster, which stand on a cubic lattice."""
_STEPS = 4 + len(_CLUSTERS) + len(_SUPERCELLS)
_LABEL = "bench hamiltonian"


def measure(seconds: float, progress: Progress = silent) -> Numbers:
    """All figures; predictions and PySCF take turns for about `seconds`."""
    water, graphene = bundled("water_def2svp.h5"), bundled("graphene_4x4_s2p1.h5")
    frames = _structures(water)
    progress(0, _STEPS, _LABEL)
    figures = _against_dft(water, frames, seconds)
    progress(2, _STEPS, _LABEL)
    figures |= _dft_scaling(frames, progress)
    figures |= _our_scaling(graphene, progress)
    progress(_STEPS, _STEPS, _LABEL)
    return figures | _crossings(figures, len(frames[0]))


def _against_dft(water: Path, frames: Sequence[ase.Atoms], seconds: float) -> Numbers:
    small, default = _train(water, _SMALL), _train(water, HamiltonianRecipe())
    batch = _batch(frames)
    models = [result.model.on_twin() for result in (small, default)]
    dft, ours, ours_default, alone = best_times(
        [
            lambda: _solve(frames[0]),
            lambda: models[0].predict_many(batch),
            lambda: models[1].predict_many(batch),
            lambda: models[0].predict_many(batch[:1]),
        ],
        seconds=seconds,
    )
    each, each_default = ours / len(batch), ours_default / len(batch)
    return {
        "seconds_per_frame": each,
        "seconds_per_atom": each / len(frames[0]),
        "dft_seconds_per_frame": dft,
        "dft_speedup": dft / each,
        "training_seconds": small.seconds,
        "training_frames": float(len(frames)),
        "frames_per_batch": float(len(batch)),
        "seconds_of_one_frame_alone": alone,
        "channels": float(_SMALL.channels),
        "validation_mae_microhartree": 1e6 * small.validation_mae,
        "default_seconds_per_frame": each_default,
        "default_dft_speedup": dft / each_default,
        "default_training_seconds": default.seconds,
        "default_channels": float(HamiltonianRecipe().channels),
        "default_validation_mae_microhartree": 1e6 * default.validation_mae,
    }


def _batch(frames: Sequence[ase.Atoms]) -> list[Structure]:
    """As many molecules as are predicted together, all different."""
    draw = np.random.default_rng(0)
    batch = []
    for index in range(_TOGETHER):
        atoms = frames[index % len(frames)].copy()
        atoms.positions += draw.normal(scale=_SPREAD, size=(len(atoms), 3))
        batch.append(Structure(atoms))
    return batch


def _crossings(figures: Numbers, atoms: int) -> Numbers:
    """Atoms at which predictions are a thousand times faster than the reference."""
    gap = figures["dft_scaling_exponent"] - figures["scaling_exponent"]
    return {
        f"{model}atoms_at_1000x": atoms * (1e3 / figures[f"{model}dft_speedup"]) ** (1.0 / gap)
        for model in ("", "default_")
    }


def _dft_scaling(frames: Sequence[ase.Atoms], progress: Progress) -> Numbers:
    atoms, times = [], []
    for step, molecules in enumerate(_CLUSTERS, start=3):
        cluster = _cluster(frames[:molecules])
        start = time.thread_time()
        _solve(cluster)
        atoms.append(len(cluster))
        times.append(time.thread_time() - start)
        progress(step, _STEPS, _LABEL)
    return {
        "dft_scaling_exponent": _slope(atoms, times),
        "dft_scaling_smallest_atoms": float(atoms[0]),
        "dft_scaling_largest_atoms": float(atoms[-1]),
        "dft_scaling_largest_seconds": times[-1],
    }


def _our_scaling(graphene: Path, progress: Progress) -> Numbers:
    predictor = _train(graphene, _CRYSTAL).model.on_twin()
    (cell, *_) = _structures(graphene)
    predictor.predict(cell)
    atoms, times = [], []
    for step, (a, b) in enumerate(_SUPERCELLS, start=4 + len(_CLUSTERS)):
        crystal = cell.repeat((a, b, 1))
        start = time.thread_time()
        predictor.predict(crystal)
        atoms.append(len(crystal))
        times.append(time.thread_time() - start)
        progress(step, _STEPS, _LABEL)
    return {
        "scaling_exponent": _slope(atoms, times),
        "scaling_smallest_atoms": float(atoms[0]),
        "scaling_largest_atoms": float(atoms[-1]),
        "scaling_largest_seconds": times[-1],
        "scaling_channels": float(_CRYSTAL.channels),
    }


def _train(data: Path, recipe: HamiltonianRecipe) -> TrainingResult:
    with open_macro(_MACRO) as macro:
        return train_hamiltonian(data, macro, recipe, macro_uri=_MACRO)


def _solve(atoms: ase.Atoms) -> None:
    """The labels' calculation, converged as they are (attributes of the data)."""
    from pyscf import dft

    molecule = pyscf_molecule(atoms, "def2-svp")
    dft.RKS(molecule, xc="pbe,pbe").run(conv_tol=1e-11, conv_tol_grad=1e-6)


def _cluster(molecules: Sequence[ase.Atoms]) -> ase.Atoms:
    """Molecules on a cubic lattice."""
    side = int(np.ceil(len(molecules) ** (1 / 3)))
    cluster = ase.Atoms()
    for index, molecule in enumerate(molecules):
        place = np.array(np.unravel_index(index, (side, side, side)))
        moved = molecule.copy()
        moved.positions += _SPACING * place - moved.get_center_of_mass()
        cluster += moved
    return cluster


def _structures(path: Path) -> list[ase.Atoms]:
    with HamiltonianFile(path) as file:
        return [frame.atoms for frame in file]


def _slope(atoms: Sequence[int], times: Sequence[float]) -> float:
    return float(np.polyfit(np.log(atoms), np.log(times), 1)[0])
