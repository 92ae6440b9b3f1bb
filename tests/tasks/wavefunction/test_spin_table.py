"""Determinants of one spin by updates, against determinants from scratch."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rgnn_hal.tasks.wavefunction.spin_table import Replacements, SpinTable

WALKERS, ORBITALS = 5, 9


def from_scratch(orbitals: torch.Tensor, occupied: torch.Tensor) -> torch.Tensor:
    return torch.stack([torch.linalg.det(orbitals[:, :, row]) for row in occupied], dim=1)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(0, 4), st.integers(0, 10_000), st.data())
def test_after_any_moves_every_determinant_is_that_of_its_matrix(
    electrons: int, replaced: int, seed: int, data: st.DataObject
) -> None:
    generator = torch.Generator().manual_seed(seed)
    occupied = torch.arange(electrons).repeat(replaced + 1, 1)
    for row in range(1, replaced + 1):
        occupied[row, data.draw(st.integers(0, electrons - 1))] = data.draw(
            st.integers(electrons, ORBITALS - 1)
        )
    shape = (WALKERS, electrons, ORBITALS)
    orbitals = torch.randn(shape, generator=generator, dtype=torch.float64)
    table = SpinTable.of(Replacements.of(occupied), orbitals)
    for electron in data.draw(st.lists(st.integers(0, electrons - 1), max_size=6)):
        new = torch.randn((WALKERS, ORBITALS), generator=generator, dtype=torch.float64)
        taken = torch.rand(WALKERS, generator=generator) < 0.7
        orbitals[taken, electron] = new[taken]
        table = table.where(taken, table.moved(electron, new))
    scale = orbitals.abs().amax() ** electrons
    expected = from_scratch(orbitals, occupied)
    assert torch.allclose(table.determinants, expected, rtol=1e-6, atol=1e-9 * float(scale))


def test_without_electrons_all_are_one() -> None:
    nothing = torch.zeros((3, 0), dtype=torch.int64)
    table = SpinTable.of(Replacements.of(nothing), torch.zeros((WALKERS, 0, ORBITALS)).double())
    assert torch.equal(table.determinants, torch.ones((WALKERS, 3)).double())


def test_two_replacements_at_once_are_refused() -> None:
    with pytest.raises(ValueError, match="one orbital at most"):
        Replacements.of(torch.tensor([[0, 1], [2, 3]]))
