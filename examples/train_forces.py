"""Train interatomic forces on DFT data through a simulated chip, and test them on unseen frames.

Run: python examples/train_forces.py
"""

from pathlib import Path

from rgnn_hal import open_macro
from rgnn_hal.tasks.forces import ForcesRecipe, evaluate_forces, train_forces

DATA = Path(__file__).parent / "data"


def main() -> None:
    recipe = ForcesRecipe(channels=16, reads=16)
    with open_macro("emulator://?seed=1") as macro:
        result = train_forces(DATA / "li3po4_train.extxyz", macro, recipe)
        predictor = result.model.on_macro(macro)
        errors = evaluate_forces(predictor, DATA / "li3po4_test.extxyz")
    print(
        f"{result.frozen_parameters} frozen and {result.trained_parameters} trained parameters, "
        f"{result.seconds:.0f} s; unseen quench: {1e3 * errors.force_mae:.0f} meV/Å"
    )


if __name__ == "__main__":
    main()
