"""Train forces with the workers of a dask cluster. Needs the extra `scale`.

On one machine `train_forces(..., workers=2)` is all it takes. A cluster may span many; here it is
two workers in this process. On machines of your own start one with `dask scheduler` and, on each
machine, `dask worker ADDRESS`; then pass ADDRESS below, or say
`rgnn-hal train forces DATA --out MODEL --scheduler ADDRESS`. The macro is read by this process
alone, so that any macro will do; the data must be visible to every worker under the same path.

Run: python examples/share_training.py
"""

from pathlib import Path

from distributed import LocalCluster

from rgnn_hal import open_macro
from rgnn_hal.tasks.forces import ForcesRecipe, evaluate_forces, train_forces

DATA = Path(__file__).parent / "data"


def main() -> None:
    recipe = ForcesRecipe(channels=12, lmax=2)
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster,
        open_macro("emulator://?seed=1") as macro,
    ):
        result = train_forces(
            DATA / "li3po4_train.extxyz", macro, recipe, scheduler=cluster.scheduler_address
        )
        predictor = result.model.on_macro(macro)
        errors = evaluate_forces(predictor, DATA / "li3po4_test.extxyz")
    print(f"trained in {result.seconds:.0f} s; unseen quench: {1e3 * errors.force_mae:.0f} meV/Å")


if __name__ == "__main__":
    main()
