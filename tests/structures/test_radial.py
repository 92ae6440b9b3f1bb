import math

import pytest
import torch

from rgnn_hal.macro.errors import ConfigurationError
from rgnn_hal.structures import RadialBasis


@pytest.mark.parametrize("focus", [math.inf, 3.0])
def test_slopes_equal_finite_differences(focus: float) -> None:
    basis = RadialBasis(cutoff=5.0, size=10, focus=focus)
    distance = torch.linspace(0.3, 4.99, 200, dtype=torch.float64)
    step = 1e-5
    upper, lower = basis.evaluate(distance + step)[0], basis.evaluate(distance - step)[0]
    slopes = basis.evaluate(distance)[1]
    torch.testing.assert_close(slopes, (upper - lower) / (2 * step), rtol=1e-6, atol=1e-8)


def test_values_and_slopes_vanish_at_and_beyond_the_cutoff() -> None:
    basis = RadialBasis(cutoff=4.0)
    values, slopes = basis.evaluate(torch.tensor([4.0, 4.5, 40.0], dtype=torch.float64))
    assert values.abs().max() < 1e-15
    assert slopes.abs().max() < 1e-15


def test_a_focus_halves_the_weight_of_neighbours_at_its_distance() -> None:
    distance = torch.tensor([0.3, 3.0], dtype=torch.float64)
    plain, focused = (
        basis.evaluate(distance)[0] for basis in (RadialBasis(5.0), RadialBasis(5.0, focus=3.0))
    )
    expected = plain * torch.tensor([[1 / (1 + 1e-4)], [0.5]], dtype=torch.float64)
    torch.testing.assert_close(focused, expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cutoff": 0.0}, "positive length"),
        ({"cutoff": float("nan")}, "positive length"),
        ({"cutoff": 4.0, "size": 0}, "at least 1"),
        ({"cutoff": 4.0, "focus": 0.0}, "focus is 0"),
    ],
)
def test_a_basis_that_cannot_exist_is_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        RadialBasis(**arguments)  # type: ignore[arg-type]
