"""Forms say what the invariants say, and slope as autograd does."""

from types import ModuleType

import pytest
import torch

from rgnn_hal.reservoir import cubic_forms, forms, invariants
from rgnn_hal.reservoir.channel_components import Given, Multiplied
from rgnn_hal.reservoir.forms import ChannelForms


def case(
    lmax: int, atoms: int = 7, channels: int = 5
) -> tuple[ChannelForms, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(lmax)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=draw, dtype=torch.float64)

    kinds = invariants(lmax)
    components = normal((lmax + 1) ** 2, atoms, channels)
    weights = torch.eye(3, dtype=torch.float64)[torch.randint(0, 3, (atoms,), generator=draw)]
    weights[-2:] = torch.tensor([[0.5, 0.2, 0.3], [0.9, 0.1, 0.0]])  # between types
    return ChannelForms(kinds, normal(3, kinds.size, channels)), components, weights


def swept(
    readout: ChannelForms, components: torch.Tensor, weights: torch.Tensor
) -> tuple[torch.Tensor, list[forms.Slopes]]:
    energies = torch.full((len(weights),), float("nan"), dtype=torch.float64)
    found = []
    for some, slopes in readout.sweep(Given(list(components)), weights):
        assert some.dtype == torch.float64
        assert energies[slopes.atoms].isnan().all()
        energies[slopes.atoms] = (some * weights[slopes.atoms]).sum(dim=1)
        found.append(slopes)
    return energies, found


def slope_of(found: list[forms.Slopes], like: torch.Tensor) -> torch.Tensor:
    slope = torch.full_like(like, float("nan"))
    for some in found:
        for degree in range(round(len(like) ** 0.5)):
            rows = slice(degree**2, (degree + 1) ** 2)
            slope[rows, some.atoms] = some.degree(degree).permute(1, 2, 0).to(slope.dtype)
    return slope


@pytest.mark.parametrize("lmax", range(6))
def test_energies_are_sums_of_invariants_and_slopes_their_derivatives(lmax: int) -> None:
    readout, components, weights = case(lmax)
    traced = components.clone().requires_grad_()
    values = readout.invariants.values(traced, readout.invariants.gradients(traced))
    expected = torch.einsum("fak,at,tfk->a", values, weights, readout.readout)
    expected.sum().backward()
    energies, slopes = swept(readout, components, weights)
    torch.testing.assert_close(energies, expected.detach(), rtol=1e-11, atol=1e-11)
    assert traced.grad is not None
    torch.testing.assert_close(slope_of(slopes, components), traced.grad, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    ("module", "changed"),
    [(forms, "_ATOMS"), (cubic_forms, "_COLUMNS"), (forms, "_KEPT_BYTES")],
)
def test_blocks_and_what_is_kept_change_nothing(
    module: ModuleType, changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    readout, components, weights = case(3)
    energies, slopes = swept(readout, components, weights)
    monkeypatch.setattr(module, changed, 2)
    again = ChannelForms(readout.invariants, readout.readout)
    energies_again, slopes_again = swept(again, components, weights)
    torch.testing.assert_close(energies_again, energies, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(
        slope_of(slopes_again, components), slope_of(slopes, components), rtol=1e-12, atol=1e-12
    )


def test_single_precision_is_good_to_seven_digits_of_the_terms() -> None:
    readout, components, weights = case(4)
    single = ChannelForms(readout.invariants, readout.readout, torch.float32)
    (energies, slopes), (rough, rough_slopes) = (
        swept(one, components, weights) for one in (readout, single)
    )
    assert (rough - energies).abs().max() < 1e-5 * energies.abs().max()
    expected = slope_of(slopes, components)
    error = (slope_of(rough_slopes, components) - expected).abs().max()
    assert 0 < error < 1e-5 * expected.abs().max()


@pytest.mark.parametrize("lmax", range(6))
def test_components_by_channel_are_the_same_from_densities_as_from_products(lmax: int) -> None:
    draw = torch.Generator().manual_seed(lmax)
    densities, weights = [], []
    components: list[torch.Tensor] = []
    for degree in range(lmax + 1):
        size = 2 * degree + 1
        density = torch.randn((9, size, 4), generator=draw, dtype=torch.float64)
        weight = torch.randn((4, 3), generator=draw, dtype=torch.float64)
        densities.append(density.reshape(-1, 4).numpy())
        weights.append(weight)
        components.extend((density @ weight).unbind(1))
    atoms = torch.tensor([7, 0, 3])
    for dtype, tolerance in ((torch.float64, 1e-14), (torch.float32, 1e-6)):
        found = Multiplied.of_rows(densities, weights).of(atoms, dtype)
        expected = Given(components).of(atoms, dtype)
        torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)
