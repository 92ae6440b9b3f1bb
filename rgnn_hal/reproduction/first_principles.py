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
from rgnn_hal.reproduction.molecules import alkane, graphene_flake, water_cluster

WATER, ALKANES, FLAKES = "water clusters", "alkanes", "graphene flakes"
_REMEDY = "needs PySCF, which is not installed: pip install 'rgnn-hal[reference]'"


@dataclass(frozen=True)
class Sizes:
    """Which members of the families are computed, in which orbital basis."""

    basis: str
    water: tuple[int, ...]
    alkanes: tuple[int, ...]
    flakes: tuple[tuple[int, int], ...]
    larger_water: tuple[int, ...] = ()
    """Which larger members are predicted by ours alone, to see how it grows."""
    larger_alkanes: tuple[int, ...] = ()
    larger_flakes: tuple[tuple[int, int], ...] = ()
    grid: int = 3
    """PySCF's level of the grid that integrates the functional, whose time is most of the whole;
    3 is its default."""

    def families(self) -> Mapping[str, Sequence[Callable[[], ase.Atoms]]]:
        """Builders by family, the smallest first."""
        return _builders(self.water, self.alkanes, self.flakes)

    def larger(self, family: str) -> list[ase.Atoms]:
        """Members of a family beyond those that first principles compute."""
        builders = _builders(self.larger_water, self.larger_alkanes, self.larger_flakes)
        return [build() for build in builders[family]]


def _builders(
    water: Sequence[int], alkanes: Sequence[int], flakes: Sequence[tuple[int, int]]
) -> Mapping[str, Sequence[Callable[[], ase.Atoms]]]:
    return {
        WATER: [partial(water_cluster, size) for size in water],
        ALKANES: [partial(alkane, size) for size in alkanes],
        FLAKES: [partial(graphene_flake, *size) for size in flakes],
    }


@dataclass(frozen=True)
class Span:
    """What something took, s."""

    cpu: float
    wall: float


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
    scf: Span
    """The self-consistent field alone."""
    whole: Span
    """Energy and forces."""


@dataclass(frozen=True)
class FirstPrinciples:
    """Calculations of some families."""

    sizes: Sizes
    families: Mapping[str, tuple[Calculation, ...]]
    macs_per_second: float
    """float64 multiply-accumulates of this processor in a product of two matrices."""

    @property
    def basis(self) -> str:
        """Of the orbitals."""
        return self.sizes.basis

    @property
    def calculations(self) -> list[Calculation]:
        """Of all families."""
        return [one for family in self.families.values() for one in family]


def compute_family(sizes: Sizes, name: str, progress: Progress = silent) -> tuple[Calculation, ...]:
    """Compute all members of one family.

    Raises:
        ConfigurationError: PySCF is not installed.
        DataError: a calculation did not converge.
    """
    _pyscf()
    builders = sizes.families()[name]
    found = []
    for done, build in enumerate(builders):
        progress(done, len(builders), f"density-functional theory of {name}")
        found.append(calculate(build(), sizes.basis, sizes.grid))
    progress(len(builders), len(builders), f"density-functional theory of {name}")
    return tuple(found)


def calculate(atoms: ase.Atoms, basis: str, grid: int = 3) -> Calculation:
    """PBE energy and forces of a closed-shell molecule."""
    pyscf = _pyscf()
    molecule = _molecule(atoms, basis)
    field = pyscf.dft.RKS(molecule).density_fit()
    field.xc, field.grids.level = "pbe", grid
    start = _now()
    energy = field.kernel()
    middle = _now()
    if not field.converged:
        raise DataError(
            f"PBE/{basis} of {atoms.get_chemical_formula()} did not converge; choose other sizes"
        )
    gradient = field.nuc_grad_method().kernel()
    end = _now()
    forces = -np.asarray(gradient) * Hartree / Bohr
    scf, whole = (Span(*(until - start).tolist()) for until in (middle, end))
    return Calculation(atoms, molecule.nao, float(energy) * Hartree, forces, scf, whole)


def _now() -> np.ndarray:
    return np.array([time.process_time(), time.perf_counter()])


def basis_functions(atoms: ase.Atoms, basis: str) -> int:
    """Size of the orbital basis, without a calculation; the cell is ignored."""
    return int(_molecule(atoms, basis).nao)


def coupled_clusters(molecule: str, basis: str) -> float:
    """Energy (hartree) of CCSD, with (T) beyond two electrons; coordinates in bohr.

    Singles and doubles are all the excitations that two electrons have, and took 0.7 s where
    general configuration interaction took 14 s in cc-pVQZ.

    Raises:
        ConfigurationError: PySCF is not installed.
    """
    pyscf = _pyscf()
    built = pyscf.gto.M(atom=molecule, unit="bohr", basis=basis, verbose=0)
    field = pyscf.scf.RHF(built).run()
    cluster = pyscf.cc.CCSD(field).run()
    triples = cluster.ccsd_t() if built.nelectron > 2 else 0.0
    return float(cluster.e_tot + triples)


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
