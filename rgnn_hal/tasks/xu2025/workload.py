"""What one inference of the paper's networks takes, counted on an emulated macro as the paper's.

Weights are differences of neighbouring cells, half of them formed as in our recipes; inputs are
eight bit planes and one for the offset, unless another coding is given. Structures are small ones
of the paper's systems: 32 atoms of Li3PO4 and of graphene, H2; per atom they have the same edges
and triples as its own.
"""

from collections.abc import Callable, Sequence
from typing import Any

import ase
import torch

from rgnn_hal.analog import InputCoding, OffsetBitSerial
from rgnn_hal.cost.digital import count_work
from rgnn_hal.macro import open_macro
from rgnn_hal.mapping import NEIGHBOUR
from rgnn_hal.reservoir.frozen import freeze
from rgnn_hal.structures import build_graph
from rgnn_hal.tasks.workload import Workload
from rgnn_hal.tasks.xu2025.force import CUTOFF, ForceNetwork
from rgnn_hal.tasks.xu2025.hamiltonian import RADIUS, HamiltonianNetwork
from rgnn_hal.tasks.xu2025.layers import LayerMaker, frozen_layers, random_layer
from rgnn_hal.tasks.xu2025.wavefunction import WavefunctionNetwork, frozen_shapes

PAPER_CODING = OffsetBitSerial(8)
_WALKERS = 64
_BOND = 1.42
"""angstrom, of graphene."""


def force_workload(atoms: ase.Atoms, coding: InputCoding = PAPER_CODING) -> Workload:
    """Forces on `atoms`."""
    elements = tuple(sorted(set(atoms.numbers.tolist())))
    graph = build_graph(atoms, elements, CUTOFF)

    def network(layer: LayerMaker) -> Callable[[], Any]:
        model = ForceNetwork(layer, elements).eval()
        return lambda: model(graph)

    what = f"forces on {atoms.get_chemical_formula()}"
    return _counted("force", what, len(atoms), ForceNetwork.frozen_shapes, network, coding)


def hamiltonian_workload(cells: int = 4, coding: InputCoding = PAPER_CODING) -> Workload:
    """Blocks of all edges of a graphene sheet of `cells` x `cells`, slightly rattled."""
    a = _BOND * 3**0.5
    atoms = ase.Atoms(
        "C2",
        cell=[(a, 0, 0), (-a / 2, a * 3**0.5 / 2, 0), (0, 0, 20)],
        scaled_positions=[(1 / 3, 2 / 3, 0.5), (2 / 3, 1 / 3, 0.5)],
        pbc=(True, True, False),
    ) * (cells, cells, 1)
    atoms.rattle(0.02, seed=0)
    graph = build_graph(atoms, (6,), RADIUS)

    def network(layer: LayerMaker) -> Callable[[], Any]:
        model = HamiltonianNetwork(layer).eval()
        return lambda: model(graph)

    what = f"Hamiltonian of {atoms.get_chemical_formula()}"
    shapes = HamiltonianNetwork.frozen_shapes
    return _counted("hamiltonian", what, len(atoms), shapes, network, coding)


def wavefunction_workload(coding: InputCoding = PAPER_CODING) -> Workload:
    """psi of H2 at one walker."""
    nuclei = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 1.4]])
    generator = torch.Generator().manual_seed(0)
    walkers = torch.randn(_WALKERS, 2, 3, generator=generator)
    single, pair = frozen_shapes(len(nuclei))

    def network(layer: LayerMaker) -> Callable[[], Any]:
        model = WavefunctionNetwork(layer, nuclei, (1, 1)).eval()
        return lambda: model(walkers)

    what, shapes = "psi of H2 at one walker", [*single, *pair]
    return _counted("wavefunction", what, 2, shapes, network, coding, _WALKERS)


def _counted(
    task: str,
    inference: str,
    atoms: int,
    shapes: Sequence[tuple[int, int]],
    network: Callable[[LayerMaker], Callable[[], Any]],
    coding: InputCoding,
    batch: int = 1,
) -> Workload:
    with torch.no_grad(), open_macro("emulator://?exact=true") as macro:
        # Tall matrices first: the others fill the rows beside them.
        order = sorted(range(len(shapes)), key=lambda number: -shapes[number][0])
        weights = freeze(macro, [shapes[number] for number in order], scheme=NEIGHBOUR)
        placed = dict(zip(order, weights.thaw(macro, coding=coding), strict=True))
        through_macro = network(frozen_layers([placed[number] for number in range(len(shapes))]))
        digital = torch.no_grad()(network(random_layer(0)))
        digital()  # the harmonics' coefficients are computed once and cached
        with count_work() as work:
            through_macro()
    return Workload(
        task,
        inference,
        atoms,
        1,
        weights.parameters,
        work.shared_by(batch),
        training=None,
        digitally=digital,
        batch=batch,
    )
