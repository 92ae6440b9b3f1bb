"""What density-functional theory costs here: PySCF on growing systems, in the run that times ours.

PBE with density fitting, energy (self-consistent field) and gradient apart, in CPU time of one
thread. Its operations cannot be counted from outside: CPU time multiplied by the rate at which this
processor multiplies matrices is the most that they can have been.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import ase
import numpy as np
from ase.units import Bohr, Hartree

from rgnn_hal.benchmarks.timing import best_times
from rgnn_hal.macro.errors import ConfigurationError, DataError
from rgnn_hal.progress import Progress, silent
from rgnn_hal.reproduction.cell import Run, watching
from rgnn_hal.reproduction.molecules import alkane, graphene_flake, water_cluster
from rgnn_hal.reproduction.scaling import PowerLaw, fit_power_law

WATER, ALKANES, FLAKES = "water clusters", "alkanes", "graphene flakes"
_REMEDY = "PySCF is not installed: pip install 'rgnn-hal[reference]'"


@dataclass(frozen=True)
class Sizes:
    """Which members of the families are computed, in which orbital basis."""

    basis: str
    water: tuple[int, ...]
    alkanes: tuple[int, ...]
    flakes: tuple[tuple[int, int], ...]

    def families(self) -> Mapping[str, Sequence[Callable[[], ase.Atoms]]]:
        """Builders by family, the smallest first."""
        return {
            WATER: [partial(water_cluster, size) for size in self.water],
            ALKANES: [partial(alkane, size) for size in self.alkanes],
            FLAKES: [partial(graphene_flake, *size) for size in self.flakes],
        }


@dataclass(frozen=True)
class Calculation:
    """One molecule, converged."""

    atoms: ase.Atoms
    functions: int
    """Size of the orbital basis."""
    energy: float
    """eV"""
    forces: np.ndarray
    """(atoms, 3), eV/angstrom."""
    scf_seconds: float
    """CPU time."""
    gradient_seconds: float

    @property
    def seconds(self) -> float:
        """Of energy and forces."""
        return self.scf_seconds + self.gradient_seconds


@dataclass(frozen=True)
class FirstPrinciples:
    """All calculations of a run."""

    basis: str
    families: Mapping[str, tuple[Calculation, ...]]
    macs_per_second: float
    """float64 multiply-accumulates of this processor in a product of two matrices."""
    run: Run

    @property
    def calculations(self) -> list[Calculation]:
        """Of all families."""
        return [one for family in self.families.values() for one in family]

    def law(self, family: str, *, gradient: bool) -> PowerLaw:
        """CPU seconds of energies, with or without forces, over basis functions."""
        found = self.families[family]
        return fit_power_law(
            [one.functions for one in found],
            [one.seconds if gradient else one.scf_seconds for one in found],
        )


def first_principles(sizes: Sizes, progress: Progress = silent) -> FirstPrinciples:
    """Compute all families.

    Raises:
        ConfigurationError: PySCF is not installed.
        DataError: a calculation did not converge.
    """
    _pyscf()
    jobs = [(name, build) for name, builds in sizes.families().items() for build in builds]
    found: dict[str, list[Calculation]] = {name: [] for name in sizes.families()}
    with watching(f"PySCF, PBE/{sizes.basis}, density fitting, energy and gradient") as watch:
        for done, (name, build) in enumerate(jobs):
            progress(done, len(jobs), "density-functional theory")
            found[name].append(calculate(build(), sizes.basis))
        progress(len(jobs), len(jobs), "density-functional theory")
        rate = matrix_rate()
    families = {name: tuple(points) for name, points in found.items()}
    return FirstPrinciples(sizes.basis, families, rate, watch.run)


def calculate(atoms: ase.Atoms, basis: str) -> Calculation:
    """PBE energy and forces of a closed-shell molecule."""
    pyscf = _pyscf()
    molecule = _molecule(atoms, basis)
    field = pyscf.dft.RKS(molecule).density_fit()
    field.xc = "pbe"
    start = time.process_time()
    energy = field.kernel()
    middle = time.process_time()
    if not field.converged:
        raise DataError(
            f"PBE/{basis} of {atoms.get_chemical_formula()} did not converge; choose other sizes"
        )
    gradient = field.nuc_grad_method().kernel()
    end = time.process_time()
    forces = -np.asarray(gradient) * Hartree / Bohr
    return Calculation(
        atoms, molecule.nao, float(energy) * Hartree, forces, middle - start, end - middle
    )


def basis_functions(atoms: ase.Atoms, basis: str) -> int:
    """Size of the orbital basis, without a calculation; the cell is ignored."""
    return int(_molecule(atoms, basis).nao)


def exact_two_electrons(molecule: str, basis: str) -> float:
    """Energy (hartree) of all excitations in `basis`; coordinates in bohr.

    Coupled clusters of singles and doubles are all there are of two electrons, and took 0.7 s where
    general configuration interaction took 14 s in cc-pVQZ.
    """
    pyscf = _pyscf()
    built = pyscf.gto.M(atom=molecule, unit="bohr", basis=basis, verbose=0)
    field = pyscf.scf.RHF(built).run()
    return float(pyscf.cc.CCSD(field).run().e_tot)


def matrix_rate(size: int = 512, seconds: float = 0.5) -> float:
    """float64 multiply-accumulates per second of CPU time in a square matrix product."""
    factor = np.random.default_rng(0).normal(size=(size, size))
    (best,) = best_times([lambda: factor @ factor], seconds=seconds)
    return size**3 / best


def _molecule(atoms: ase.Atoms, basis: str) -> Any:
    places = zip(atoms.get_chemical_symbols(), atoms.positions.tolist(), strict=True)
    spin = int(atoms.numbers.sum()) % 2
    return _pyscf().gto.M(atom=list(places), basis=basis, spin=spin, verbose=0)


def _pyscf() -> Any:
    try:
        import pyscf
        import pyscf.cc
        import pyscf.dft
        import pyscf.gto
        import pyscf.scf
    except ImportError as error:
        raise ConfigurationError(_REMEDY) from error
    pyscf.lib.num_threads(1)
    return pyscf
