"""Rows in blocks of atoms are those of the whole, whatever the blocks."""

import ase
import numpy as np
import pytest
import torch
from ase.build import bulk
from hypothesis import given, settings
from hypothesis import strategies as st

from rgnn_hal.reservoir import DigitalMixing, Reservoir, design_forces, design_rows, force_rows
from rgnn_hal.structures import RadialBasis, build_graph

ELEMENTS = (1, 6, 8)


def crystal(seed: int) -> ase.Atoms:
    """Magnesia with other names, its atoms in any order."""
    atoms: ase.Atoms = bulk("MgO", "rocksalt", a=3.9, cubic=True).repeat((2, 1, 1))
    atoms.numbers = np.resize([6, 8, 1, 8], len(atoms))
    atoms.rattle(0.08, seed=3)
    return atoms[np.random.default_rng(seed).permutation(len(atoms))]


@settings(max_examples=30)
@given(
    rows=st.integers(1, 20),
    numbers=st.integers(1, 100_000),
    seed=st.integers(0, 2**32 - 1),
)
def test_blocks_of_any_size_make_the_same_rows(rows: int, numbers: int, seed: int) -> None:
    rng = np.random.default_rng(0)
    mixings = tuple(DigitalMixing(rng.standard_normal((12, 3))) for _ in range(3))
    reservoir = Reservoir(ELEMENTS, RadialBasis(cutoff=4.0, size=4), mixings)
    graph = build_graph(crystal(seed), ELEMENTS, 4.0)
    basis = reservoir.basis(graph)
    components = reservoir.mix(reservoir.vectors(graph, basis))
    whole = design_rows(reservoir, graph, basis, components)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(design_forces, "_ROW_BYTES", rows * 3 * 8 * reservoir.columns)
        patch.setattr(design_forces, "_NUMBERS", numbers)
        blocks = list(force_rows(reservoir, graph, basis, components))
    assert [len(block) for block in blocks[:-1]] == [3 * rows] * (len(blocks) - 1)
    torch.testing.assert_close(torch.cat(blocks), whole.forces, rtol=1e-10, atol=1e-12)
