"""Readouts over products that are never formed, against the products themselves."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from rgnn_hal.reservoir.contraction import Contraction
from rgnn_hal.reservoir.equivariant import Axis, Components, Products
from rgnn_hal.reservoir.gathering import gather_targets
from rgnn_hal.reservoir.pairs import AtomComponents, Surroundings

ATOMS = Products(3, 5, quadratic=4, quadratic_degree=3, gathered=2)
PAIRS = Products(3, 5, quadratic=4, quadratic_degree=2, axis_degree=4, gathered=2)
KINDS = [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (4, 0)]


def drawn(rng: np.random.Generator, *shape: int) -> torch.Tensor:
    return torch.from_numpy(rng.standard_normal(shape))


@pytest.mark.parametrize("products", [ATOMS, PAIRS], ids=["atoms", "pairs"])
def test_a_contraction_is_the_product_of_features_and_readout(products: Products) -> None:
    rng = np.random.default_rng(1)
    M: Components = tuple(drawn(rng, 2 * degree + 1, 7, 5) for degree in range(4))
    on_site = products.axis_degree is None
    axis = None if on_site else Axis(drawn(rng, 25, 7), drawn(rng, 7, 5))
    features = {kind: products.values(M, axis, None, *kind) for kind in KINDS}
    readouts = {kind: drawn(rng, values.shape[2], 2) for kind, values in features.items()}
    found = Contraction(products, readouts).apply(M, axis)
    for kind, values in features.items():
        assert torch.allclose(found[kind], values @ readouts[kind], rtol=0, atol=1e-11)


def test_readouts_of_all_kinds_at_once_are_those_of_gathered_features_one_by_one() -> None:
    rng = np.random.default_rng(2)
    start = torch.tensor([0, 3, 4, 9])  # atoms with three, one and five edges
    neighbour = torch.from_numpy(rng.integers(0, 3, 9))
    surroundings = Surroundings(start, neighbour, drawn(rng, 9, 25), drawn(rng, 9, 2))
    components = AtomComponents(*(drawn(rng, 16, 3, 5) for _ in range(3)))
    atoms = torch.tensor([2, 0, 1])
    features = {kind: ATOMS.gathered_features(*kind) for kind in KINDS}
    readouts = {kind: drawn(rng, count // 2, 2, 3) for kind, count in features.items()}
    (found,) = gather_targets(ATOMS.edges, components, surroundings, atoms, [readouts])
    centres, neighbours, axis = surroundings.of(atoms)
    assert centres.tolist() == [
        row
        for row, atom in enumerate(atoms.tolist())
        for _ in range(*list(pairwise(start.tolist()))[atom])
    ]
    for kind in KINDS:
        expected = ATOMS.gather(components.neighbours(neighbours), axis, centres, 3, *kind)
        expected = expected @ readouts[kind].flatten(0, 1)
        assert torch.allclose(found[kind], expected, rtol=0, atol=1e-11)
