"""A first guess at the wavefunction: orbitals of screened nuclei, and pair excitations of them.

    (-1/2 lap - sum_A [1 + (Z_A - 1) Omega_A(r_A)] / r_A) phi = e phi,
    Omega(r) = 1 / (H (exp(r/d) - 1) + 1),      d = 0.8,  H = d (Z - 1)^0.4

(the form of Green, Sellin and Zachor, Phys. Rev. 184, 1 (1969), with one d for all elements),
solved in the Slater basis by quasi-Monte Carlo quadrature. It only has to start the optimisation,
which trains every orbital: an error of a per cent here costs one iteration.

Determinants: the lowest orbitals filled, and every excitation of one valence pair into an empty
orbital of the minimal basis (one orbital for H and He, five for Li to Ne). They are what breaks an
H2 molecule into atoms and mixes 2p^2 into the 2s^2 of beryllium.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg
import torch
from scipy.special import gammaincinv
from scipy.stats import qmc
from torch import Tensor

from rgnn_hal.tasks.wavefunction.ansatz import Ansatz
from rgnn_hal.tasks.wavefunction.cusps import nuclear_cusp
from rgnn_hal.tasks.wavefunction.determinants import Configurations
from rgnn_hal.tasks.wavefunction.molecule import Molecule
from rgnn_hal.tasks.wavefunction.orbitals import SlaterBasis, slater_basis

_LOG2_POINTS = 15
_DEPENDENT = 1e-5
"""Combinations of basis functions with a smaller norm than this are noise of the quadrature."""


def ansatz_of(molecule: Molecule) -> Ansatz:
    """The default form of psi."""
    return Ansatz(molecule, slater_basis(molecule), pair_excitations(molecule))


def starting_orbitals(molecule: Molecule, basis: SlaterBasis, *, seed: int = 0) -> Tensor:
    """The lowest orbitals, (basis functions, orbitals of the minimal basis)."""
    return _lowest(molecule, basis, _active(molecule), seed)


def _lowest(molecule: Molecule, basis: SlaterBasis, count: int, seed: int) -> Tensor:
    points, weights = _quadrature(molecule, seed)
    values = basis.evaluate(points)
    arrow = points[:, None] - molecule.nuclei
    r = arrow.norm(dim=-1)
    v, dv, _ = nuclear_cusp(r, molecule.charges)
    weights = weights * torch.exp(-2.0 * (molecule.charges * v).sum(1))
    rise = -((molecule.charges * dv / r)[..., None] * arrow).sum(1)
    gradient = values.gradient + rise[:, :, None] * values.value[:, None, :]
    potential = _screened_potential(molecule, r)
    overlap = torch.einsum("p,pm,pn->mn", weights, values.value, values.value)
    energy = torch.einsum("p,pm,pn->mn", weights * potential, values.value, values.value)
    energy += 0.5 * torch.einsum("p,pxm,pxn->mn", weights, gradient, gradient)
    return _solve(overlap.numpy(), energy.numpy(), count)


def _solve(overlap: np.ndarray, energy: np.ndarray, count: int) -> Tensor:
    scale = 1.0 / np.sqrt(np.diag(overlap))
    norms, modes = np.linalg.eigh(overlap * scale * scale[:, None])
    kept = norms > _DEPENDENT
    space = scale[:, None] * modes[:, kept] / np.sqrt(norms[kept])
    _, vectors = scipy.linalg.eigh(space.T @ energy @ space)
    return torch.from_numpy(np.ascontiguousarray((space @ vectors)[:, :count]))


def _screened_potential(molecule: Molecule, r: Tensor) -> Tensor:
    charges, width = molecule.charges, 0.8
    height = width * (charges - 1.0) ** 0.4
    screening = 1.0 / (height * torch.expm1(r / width) + 1.0)
    return -((1.0 + (charges - 1.0) * screening) / r).sum(1)


def _quadrature(molecule: Molecule, seed: int) -> tuple[Tensor, Tensor]:
    """Points (p, 3) from exponentials round the nuclei, and their weights (p,)."""
    sampler = qmc.Sobol(5, seed=np.random.default_rng([seed, 0x51]))
    unit = np.clip(sampler.random_base2(_LOG2_POINTS), 1e-9, 1 - 1e-9)
    nuclei = molecule.nuclei.numpy()
    rates = np.array([(0.6, 1.0 if z <= 2 else 0.9 * z) for z in molecule.numbers])
    centre = np.minimum((unit[:, 0] * len(nuclei)).astype(int), len(nuclei) - 1)
    rate = np.where(unit[:, 1] < 0.6, rates[centre, 0], rates[centre, 1])
    # density of r: rate^2 r exp(-rate r), which resolves 1/r without wasting points far out
    radius = gammaincinv(2.0, unit[:, 2]) / rate
    cosine, angle = 2.0 * unit[:, 3] - 1.0, 2.0 * np.pi * unit[:, 4]
    sine = np.sqrt(1.0 - cosine**2)
    direction = np.stack([sine * np.cos(angle), sine * np.sin(angle), cosine], axis=1)
    points = nuclei[centre] + radius[:, None] * direction
    r = np.linalg.norm(points[:, None] - nuclei, axis=2)[..., None]
    shares = np.array([0.6, 0.4])
    density = (shares * rates**2 * np.exp(-rates * r) / (4.0 * np.pi * r)).sum((1, 2))
    weights = len(nuclei) / (density * len(points))
    return torch.from_numpy(points), torch.from_numpy(weights)


def pair_excitations(molecule: Molecule) -> Configurations:
    """The determinants, by the orbitals they occupy."""
    orbitals = _active(molecule)
    up, down = list(range(molecule.up)), list(range(molecule.down))
    core = min(sum(charge > 2 for charge in molecule.numbers), molecule.down)
    rows = [(up, down)]
    rows += [
        ([empty if j == pair else j for j in up], [empty if j == pair else j for j in down])
        for pair in range(core, molecule.down)
        for empty in range(molecule.up, orbitals)
    ]
    return Configurations(
        torch.tensor([row[0] for row in rows], dtype=torch.int64).reshape(len(rows), -1),
        torch.tensor([row[1] for row in rows], dtype=torch.int64).reshape(len(rows), -1),
    )


def _active(molecule: Molecule) -> int:
    """Orbitals of the minimal basis, or as many as are filled."""
    minimal = sum(1 if charge <= 2 else 5 for charge in molecule.numbers)
    return max(minimal, molecule.up)
