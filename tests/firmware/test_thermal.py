from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from rgnn_hal.macro import ConfigurationError, open_macro
from rgnn_hal.macro import PulseKind as MacroPulse
from rgnn_hal_firmware import Chip, Preset, PulseKind
from rgnn_hal_firmware.state import ChipState
from rgnn_hal_firmware.switching import Switching
from rgnn_hal_firmware.thermal import arrhenius

Pulse = Callable[..., None]
MakePreset = Callable[..., Preset]
Formed = Callable[[Chip], Chip]


@pytest.fixture
def change(make_preset: MakePreset, formed: Formed, pulse: Pulse) -> Callable[..., object]:
    """Conductance at 350 K over that at 300 K, of cells written alike at either."""

    def ratio(kind: PulseKind, exact: bool = True) -> NDArray[np.float64]:
        seen = []
        for temperature in (300.0, 350.0):
            chip = formed(Chip(make_preset(), 3, exact=exact, temperature=temperature))
            pulse(chip, kind, 2.4, 2.4, width=1e-3)
            seen.append(chip.read_conductance(chip.whole, samples=16)[chip.healthy])
        return seen[1] / seen[0]

    return ratio


@pytest.mark.parametrize("exact", [True, False])
def test_filaments_lose_and_resistive_states_gain_with_temperature(
    change: Callable[..., NDArray[np.float64]], exact: bool
) -> None:
    assert np.median(change(PulseKind.SET, exact)) == pytest.approx(np.exp(-1e-3 * 50), abs=0.01)
    assert np.median(change(PulseKind.RESET, exact)) == pytest.approx(np.exp(5e-3 * 50), rel=0.03)


def test_coefficients_are_a_distribution_over_cells(
    change: Callable[..., NDArray[np.float64]],
) -> None:
    coefficient = np.log(change(PulseKind.SET)) / 50
    assert coefficient.std() == pytest.approx(5e-4, rel=0.05)
    assert 0.0 < np.mean(coefficient > 0.0) < 0.1


def test_products_see_the_temperature(make_preset: MakePreset, formed: Formed) -> None:
    hot = formed(Chip(make_preset(), 3, temperature=350.0))
    v = np.random.default_rng(0).uniform(-0.2, 0.2, (50, 64))
    conductance = hot.read_conductance(hot.whole, samples=64)
    hot.apply(v, "rows", hot.whole)
    np.testing.assert_allclose(hot.read(64), v @ conductance, atol=6e-7)


def test_a_macro_is_opened_at_a_temperature(tmp_path: object) -> None:
    uri = f"emulator://?seed=7&exact=true&state={tmp_path}/chip.h5"
    with open_macro(uri) as macro:
        every = np.ones((512, 512), np.bool_)
        macro.pulse(MacroPulse.FORM, every, voltage=4.0, gate_voltage=1.65, width=1e-3)
        cold, identity = macro.read_conductance(), macro.spec.identity
    with open_macro(f"{uri}&temperature=350") as macro:
        assert macro.spec.identity == identity
        assert np.median(macro.read_conductance() / cold) > 1.02
    with open_macro(uri) as macro:
        np.testing.assert_array_equal(macro.read_conductance(), cold)
    with pytest.raises(ConfigurationError, match="temperature"):
        open_macro("emulator://?temperature=10")


def test_heat_speeds_switching_up_as_arrhenius_says(make_preset: MakePreset) -> None:
    parameters = make_preset(replaced={"switching.activation_energy": 1.0}).parameters
    hot, cold = (Switching(parameters, 1, kelvin) for kelvin in (330.0, 300.0))
    assert arrhenius(1.0, 330.0) == pytest.approx(1.0 / 8.617e-5 * (1 / 300 - 1 / 330), rel=1e-3)
    # 10^(dV / volts_per_decade) slower by voltage is e^h faster by heat.
    slower = arrhenius(1.0, 330.0) / np.log(10.0) * parameters.switching.reset_volts_per_decade
    cells = np.arange(64)
    reached = []
    for switching, voltage in ((hot, 1.4 - slower), (cold, 1.4)):
        state = ChipState.pristine(parameters)
        state.formed[:] = True
        state.conductance[:] = 12e-6
        amplitude = np.full(64, voltage)
        switching.reset(state, cells, amplitude, np.full(64, 3.0), 1e-6, 1)
        reached.append(state.conductance.reshape(-1)[:64].copy())
    assert (reached[1] < 11e-6).any()
    np.testing.assert_allclose(reached[0], reached[1], rtol=1e-9)
