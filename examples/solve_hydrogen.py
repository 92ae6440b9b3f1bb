"""The ground state of a hydrogen molecule through a noisy chip, by variational Monte Carlo.

Run: python examples/solve_hydrogen.py
"""

from rgnn_hal import open_macro
from rgnn_hal.tasks.wavefunction import (
    Limits,
    WavefunctionRecipe,
    begin,
    parse_molecule,
    solve,
    summary,
)

CHIP = "emulator://?seed=1"
RECIPE = WavefunctionRecipe(widths=(64, 64), walkers=500, samples=2000, iterations=1, seed=1)
EXACT = -1.174476  # hartree, at 1.4 bohr; Sims and Hagstrom, J. Chem. Phys. 124, 094101 (2006)


def main() -> None:
    molecule = parse_molecule("H 0 0 0; H 0 0 1.4")
    state = begin(molecule, RECIPE, CHIP)
    with open_macro(CHIP) as macro:
        solve(state, macro, Limits(steps=8))
    result = summary(state)
    off, error = (
        1e3 * value
        for value in (result["energy_hartree"] - EXACT, result["standard_error_hartree"])
    )
    print(
        f"{result['frozen_parameters']} frozen and {result['trained_parameters']} trained "
        f"parameters, {result['seconds']:.0f} s; energy - exact {off:+.1f} ± {error:.1f} "
        f"millihartree; {result['macro_mac_fraction']:.0%} of a sample's arithmetic on the chip"
    )


if __name__ == "__main__":
    main()
