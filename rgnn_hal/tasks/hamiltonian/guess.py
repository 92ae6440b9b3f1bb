"""A predicted Hamiltonian as the start of a self-consistent calculation in PySCF.

Its occupied orbitals make a density matrix, D = 2 C_occ C_occ^T, that PySCF's `kernel(dm0=D)` takes
instead of its superposition of atoms (`minao`). The closer the prediction, the fewer the cycles.
"""

from collections.abc import Callable
from typing import Any

import ase
import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import ConfigurationError, DataError
from rgnn_hal.tasks.hamiltonian.spectrum import spectrum


def pyscf_molecule(atoms: ase.Atoms, basis: str, charge: int = 0, spin: int = 0) -> Any:
    """PySCF's molecule of these atoms, without its printing.

    Raises:
        ConfigurationError: PySCF is not installed.
    """
    try:
        from pyscf import gto
    except ImportError as error:
        raise ConfigurationError(
            "overlaps of molecules come from PySCF: pip install 'rgnn-hal[reference]'"
        ) from error
    return gto.M(
        atom=list(zip(atoms.get_chemical_symbols(), atoms.positions.tolist(), strict=True)),
        basis=basis,
        charge=charge,
        spin=spin,
        unit="Angstrom",
        verbose=0,
    )


def overlap_of_molecule(atoms: ase.Atoms, basis: str) -> NDArray[np.float64]:
    """S of the atoms in a named Gaussian basis, (orbitals, orbitals), PySCF's order.

    Raises:
        ConfigurationError: PySCF is not installed.
    """
    electrons = int(atoms.numbers.sum())
    molecule = pyscf_molecule(atoms, basis, spin=electrons % 2)
    return np.asarray(molecule.intor("int1e_ovlp"), dtype=np.float64)


def initial_density(mean_field: Any, hamiltonian: NDArray[np.float64]) -> NDArray[np.float64]:
    """Density matrix of closed shells for `mean_field.kernel(dm0=...)` from a predicted H, hartree.

    Raises:
        DataError: open shells, or H in another basis than the calculation's.
    """
    molecule = mean_field.mol
    if molecule.spin != 0:
        raise DataError(f"spin {molecule.spin} is not a closed shell; only those have one H")
    density = spectrum(hamiltonian, mean_field.get_ovlp(), molecule.nelectron).density
    return np.asarray(density)


def cycles(mean_field: Any, density: NDArray[np.float64] | None = None) -> int:
    """Self-consistency cycles that a fresh `mean_field` takes from `density`; None is PySCF's own.

    Raises:
        DataError: it does not converge.
    """
    count = 0

    def watch(_: Any) -> None:
        nonlocal count
        count += 1

    callback: Callable[[Any], None] = watch
    mean_field.callback = callback
    mean_field.kernel(dm0=density)
    if not mean_field.converged:
        raise DataError(f"PySCF did not converge in {count} cycles; raise mean_field.max_cycle")
    return count
