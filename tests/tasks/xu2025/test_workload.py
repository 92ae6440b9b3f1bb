"""What the paper's networks take on a macro, against counts by hand."""

import ase
import ase.build
import numpy as np
import pytest

from rgnn_hal.structures import build_graph
from rgnn_hal.tasks.workload import Workload, timed
from rgnn_hal.tasks.xu2025.force import CUTOFF, ForceNetwork
from rgnn_hal.tasks.xu2025.hamiltonian import HamiltonianNetwork
from rgnn_hal.tasks.xu2025.wavefunction import frozen_shapes
from rgnn_hal.tasks.xu2025.workload import (
    force_workload,
    hamiltonian_workload,
    wavefunction_workload,
)

PLANES = 9  # eight bits and the offset


def silicon() -> ase.Atoms:
    atoms: ase.Atoms = ase.build.bulk("Si", cubic=True)
    atoms.rattle(0.1, seed=0)
    return atoms


@pytest.fixture(scope="module")
def force() -> Workload:
    return force_workload(silicon())


@pytest.fixture(scope="module")
def wavefunction() -> Workload:
    return wavefunction_workload()


def tiles(shapes: list[tuple[int, int]], vectors: list[int]) -> dict[str, int]:
    """Counts of neighbour differences: one column more than outputs, every plane one read."""
    pairs = list(zip(shapes, vectors, strict=True))
    return {
        "products": sum(vectors),
        "multiplications": sum(n * a * b for (a, b), n in pairs),
        "planes": PLANES * sum(vectors),
        "samples": PLANES * sum(vectors),
        "drives": PLANES * sum(n * a for (a, _), n in pairs),
        "conversions": PLANES * sum(n * (b + 1) for (_, b), n in pairs),
        "macs": PLANES * sum(n * a * (b + 1) for (a, b), n in pairs),
        "sent": sum(n * a for (a, _), n in pairs),
        "received": sum(n * b for (_, b), n in pairs),
    }


def counted(workload: Workload, names: dict[str, int]) -> dict[str, int]:
    return {name: getattr(workload.work.analog, name) for name in names}


def test_the_force_network_of_86832_weights(force: Workload) -> None:
    graph = build_graph(silicon(), (14,), CUTOFF)
    degree = np.bincount(graph.centre.numpy())
    edges, triples = len(graph.centre), int(degree[graph.neighbour.numpy()].sum())
    vectors = [edges] * 4 + [triples] * 2
    by_hand = tiles(list(ForceNetwork.frozen_shapes), vectors * 2)
    assert counted(force, by_hand) == by_hand
    assert by_hand["multiplications"] == 2 * (20_736 * edges + 22_680 * triples)
    assert force.frozen == 86_832
    # The trained layer and the head stay with the host.
    assert force.work.digital.macs == 3_564 * edges + 4_536 * triples + 171 * edges


def test_the_hamiltonian_network_of_85344_weights() -> None:
    workload = hamiltonian_workload(cells=2)
    # Within 6 angstrom an atom sees shells of 3, 6, 3, 6, 6, 6, 6 and 3 others.
    edges = 8 * 39
    by_hand = tiles(list(HamiltonianNetwork.frozen_shapes), [edges] * 12)
    assert counted(workload, by_hand) == by_hand
    assert by_hand["multiplications"] == 85_344 * edges
    assert workload.frozen == 85_344


def test_the_wavefunction_network_of_119552_weights(wavefunction: Workload) -> None:
    single, pair = frozen_shapes(2)
    by_hand = tiles([*single, *pair], [2] * len(single) + [4] * len(pair))
    assert counted(wavefunction, by_hand) == by_hand
    assert by_hand["multiplications"] == 303_616
    assert wavefunction.work.digital.macs == 4_096 + 2 * 2 * 32  # orbitals and envelopes


def test_the_twin_does_the_same_work_digitally(wavefunction: Workload, force: Workload) -> None:
    for workload in (wavefunction, force):
        assert timed(workload).operations.macs == workload.work.all_digital.macs
        assert timed(workload).seconds > 0
