import ase
import numpy as np
from ase.build import bulk, molecule
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal.structures import pack_structures, unpack_structures

KINDS = (
    molecule("H2O"),
    molecule("CH3CH2OH"),
    bulk("Cu", cubic=True),
    bulk("NaCl", "rocksalt", 5.6),
)


@given(kinds=st.lists(st.sampled_from(range(len(KINDS))), max_size=6))
def test_structures_come_back_to_the_bit(kinds: list[int]) -> None:
    structures = [KINDS[kind] for kind in kinds]
    found = unpack_structures(pack_structures(structures))
    assert len(found) == len(structures)
    for mine, its in zip(structures, found, strict=True):
        assert isinstance(its, ase.Atoms)
        np.testing.assert_array_equal(its.positions, mine.positions)
        np.testing.assert_array_equal(its.numbers, mine.numbers)
        np.testing.assert_array_equal(its.cell.array, mine.cell.array)
        np.testing.assert_array_equal(its.pbc, mine.pbc)
