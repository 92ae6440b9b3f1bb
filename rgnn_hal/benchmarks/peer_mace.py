"""MACE beside us, where mace-torch is installed: 64 scalar channels, two layers, correlation 3.

Batatia et al., NeurIPS 2022, arXiv:2206.07697; untrained, float32, on our neighbour lists.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import ase
import numpy as np
import torch

from rgnn_hal.structures import build_graph

_CHANNELS = 64
_NEIGHBOURS = 50.0
"""Average per atom, which normalises messages."""


def mace_predictor(
    elements: tuple[int, ...], cutoff: float
) -> Callable[[ase.Atoms], object] | None:
    """What predicts energy and forces of a structure; None without mace-torch."""
    if find_spec("mace") is None:
        return None
    model = _model(elements, cutoff)

    def predict(atoms: ase.Atoms) -> object:
        graph = build_graph(atoms, elements, cutoff)
        positions = torch.from_numpy(atoms.positions).float()
        # MACE takes r_j + shift - r_i as the displacement.
        shifts = graph.displacement.float() - positions[graph.neighbour] + positions[graph.centre]
        data = {
            "positions": positions,
            "node_attrs": torch.nn.functional.one_hot(graph.species, len(elements)).float(),
            "edge_index": torch.stack([graph.centre, graph.neighbour]),
            "shifts": shifts,
            "unit_shifts": torch.zeros_like(shifts),
            "cell": torch.from_numpy(atoms.cell.array).float(),
            "batch": torch.zeros(graph.atoms, dtype=torch.int64),
            "ptr": torch.tensor([0, graph.atoms]),
        }
        return model(data, training=False, compute_force=True)["forces"]

    return predict


def _model(elements: tuple[int, ...], cutoff: float) -> Any:
    from e3nn import o3
    from mace import modules

    block = modules.interaction_classes["RealAgnosticResidualInteractionBlock"]
    model = modules.MACE(
        r_max=cutoff,
        num_bessel=8,
        num_polynomial_cutoff=5,
        max_ell=3,
        interaction_cls=block,
        interaction_cls_first=block,
        num_interactions=2,
        num_elements=len(elements),
        hidden_irreps=o3.Irreps(f"{_CHANNELS}x0e"),
        MLP_irreps=o3.Irreps("16x0e"),
        atomic_energies=np.zeros(len(elements)),
        avg_num_neighbors=_NEIGHBOURS,
        atomic_numbers=list(elements),
        correlation=3,
        gate=torch.nn.functional.silu,
    )
    return model.float().requires_grad_(False)
