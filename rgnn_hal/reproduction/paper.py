"""The paper's own figures: Xu et al., Nat. Comput. Sci. 2025, 10.1038/s43588-025-00844-3.

Accuracies are recomputed from the results that its code ships; ratios are those of its abstract.
The only numbers of this package that are written down and not found.
"""

from rgnn_hal.reproduction.cell import Quoted

_ABSTRACT = "Xu et al., Nat. Comput. Sci. 2025, abstract"
_SHIPPED = "Xu et al., Nat. Comput. Sci. 2025, recomputed from the results shipped with its code"
_COUNTED = "Xu et al., Nat. Comput. Sci. 2025, weights counted in its code"

FORCE_MAE = Quoted(117.4, "meV/Å", f"{_SHIPPED}: amorphous Li3PO4, 192 atoms, random split")
FORCE_COMPUTE = Quoted(1e4, "x", _ABSTRACT)
FORCE_SPEED = Quoted(2.5, "x", _ABSTRACT)
FORCE_ENERGY = Quoted(2.7, "x", _ABSTRACT)
HAMILTONIAN_RMSE = Quoted(18.2, "meV", f"{_SHIPPED}: graphene, 13 orbitals per atom")
HAMILTONIAN_COMPUTE = Quoted(1e6, "x", _ABSTRACT)
HAMILTONIAN_SPEED = Quoted(2.5, "x", _ABSTRACT)
HAMILTONIAN_ENERGY = Quoted(1.9, "x", _ABSTRACT)
HAMILTONIAN_TRAINING_TIME = Quoted(
    59_040, "s", f"{_SHIPPED}: 5,998 epochs, 16.4 hours on a graphics processor"
)
TRAINING = Quoted(
    90.0, "% less", f"{_ABSTRACT}: about 90 %, the share of parameters left untrained"
)
WAVEFUNCTION_ENERGY = Quoted(
    -1.1730, "hartree", f"{_SHIPPED}: H2 at 1.4 bohr, iterations 5000 to 9900", (-1.1740, -1.1720)
)
WAVEFUNCTION_OFF = Quoted(
    1.4, "mhartree", f"{_SHIPPED}: the same energy against the exact one", (0.4, 2.4)
)
FORCE_UNTRAINED = Quoted(90.761, "%", f"{_COUNTED}: 86,832 frozen, 8,839 trained")
HAMILTONIAN_UNTRAINED = Quoted(91.511, "%", f"{_COUNTED}: 85,344 frozen, 7,916 trained")
WAVEFUNCTION_UNTRAINED = Quoted(96.437, "%", f"{_COUNTED}: 119,552 frozen, 4,416 trained")
WAVEFUNCTION_COMPUTE = Quoted(1e3, "x", _ABSTRACT)
WAVEFUNCTION_SPEED = Quoted(2.7, "x", _ABSTRACT)
WAVEFUNCTION_EFFICIENCY = Quoted(4.4, "x", _ABSTRACT)
H2_EXACT = Quoted(
    -1.17447, "hartree", "Kolos and Wolniewicz, J. Chem. Phys. 49, 404 (1968), 1.4 bohr"
)
