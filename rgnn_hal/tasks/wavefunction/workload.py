"""One sample of a measured energy, counted: walking to it, its features on the macro, E_L.

The run in an artefact is taken up where it stands, for one step and without being changed. What the
twin checks besides is left out. Training is the whole run so far, measuring included: its products
are all like those of the sample, its host's multiply-accumulates are counted by formula (`work`).
"""

from pathlib import Path

import torch

from rgnn_hal.cost import Ledger, Operations, Work
from rgnn_hal.cost.digital import count_work
from rgnn_hal.macro import DataError, open_macro
from rgnn_hal.tasks.wavefunction.body import Body
from rgnn_hal.tasks.wavefunction.features import PairNetwork
from rgnn_hal.tasks.wavefunction.jet import Jet
from rgnn_hal.tasks.wavefunction.reference import ansatz_of
from rgnn_hal.tasks.wavefunction.sampler import walk
from rgnn_hal.tasks.wavefunction.state import Totals, load_state
from rgnn_hal.tasks.workload import Workload


def wavefunction_workload(folder: Path) -> Workload:
    """A sample of the run in `folder`, on the macro that it names.

    Raises:
        DataError: a run that has not come to its network, or of one electron, which has none.
    """
    state = load_state(folder)
    if state.weights is None:
        raise DataError(
            f"{folder} holds a run without a network on a macro, so nothing of it runs there; "
            "solve for a molecule of more electrons, or give `solve` more --seconds"
        )
    ansatz, parameters, walkers = ansatz_of(state.molecule), state.parameters, state.walkers
    count = len(walkers.positions)
    with open_macro(state.macro) as macro:
        matrices = state.weights.thaw(macro, reads=state.recipe.reads)
        body = Body(state.weights, PairNetwork(state.molecule, state.standards), matrices)

        def sample(features: Jet) -> torch.Tensor:
            return ansatz.local(ansatz.scene(walkers.positions, features), parameters).energy

        with count_work() as work:
            walk(ansatz, parameters, walkers, state.recipe.sweeps)
            sample(body.on_macro(walkers.positions))

    def digitally() -> torch.Tensor:
        walk(ansatz, parameters, walkers, state.recipe.sweeps)
        return sample(body.on_host(walkers.positions))

    return Workload(
        task="wavefunction",
        inference="a sample of psi and its local energy",
        atoms=len(state.molecule.charges),
        reads=state.recipe.reads,
        frozen=state.weights.parameters,
        work=work.shared_by(count),
        training=_training(state.totals, work.analog),
        digitally=digitally,
        batch=count,
    )


def _training(totals: Totals, sample: Ledger) -> Work:
    times = totals.products / sample.products
    products = {name: type(count)(times * count) for name, count in vars(sample).items()}
    forming = {"pulses": totals.pulses, "cell_reads": totals.cell_reads}
    return Work(Ledger(**products | forming), Operations(macs=totals.host_macs))
