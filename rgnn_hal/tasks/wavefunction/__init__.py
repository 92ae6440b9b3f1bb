"""Wavefunctions of small molecules by variational Monte Carlo over a frozen network.

    psi = sum of determinants * exp(cusps + head . frozen features),   E = <psi|H|psi> / <psi|psi>

`begin` and `solve` are the way in. The network's matrices are the macro's; orbitals, determinants'
coefficients and the head are trained on the host.
"""

from rgnn_hal.tasks.wavefunction.molecule import Molecule, parse_molecule
from rgnn_hal.tasks.wavefunction.recipe import WavefunctionRecipe
from rgnn_hal.tasks.wavefunction.solve import Limits, begin, solve
from rgnn_hal.tasks.wavefunction.state import State, load_matching, load_state
from rgnn_hal.tasks.wavefunction.summary import summary

__all__ = [
    "Limits",
    "Molecule",
    "State",
    "WavefunctionRecipe",
    "begin",
    "load_matching",
    "load_state",
    "parse_molecule",
    "solve",
    "summary",
]
