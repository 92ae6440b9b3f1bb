from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rgnn_hal_firmware import Chip, Preset, Side
from rgnn_hal_firmware.conduction import Conduction

Formed = Callable[[Chip], Chip]
MakePreset = Callable[..., Preset]

NI_RRAM = {
    "conduction.levels": [22e-6, 58e-6, 130e-6],
    "conduction.cubic": [2.96, 1.01, 0.254],
    "periphery.read_voltage": [-0.3, 0.3],
}


@pytest.mark.parametrize(("conductance", "ratio"), [(130e-6, 1.02), (58e-6, 1.08), (22e-6, 1.23)])
def test_curves_are_those_measured_on_a_real_chip(
    make_preset: MakePreset, conductance: float, ratio: float
) -> None:
    linear, cubic = Conduction(make_preset(replaced=NI_RRAM).parameters).split(
        np.array([conductance])
    )
    chord = linear + cubic * np.array([0.1, 0.2, 0.3]) ** 2
    assert chord[1] == pytest.approx(conductance, rel=1e-6)
    assert chord[2] / chord[0] == pytest.approx(ratio, abs=0.003)


@pytest.mark.parametrize("side", ["rows", "cols"])
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_product_is_the_sum_of_its_cells_curves(
    make_preset: MakePreset, formed: Formed, side: Side, exact: bool, dtype: type
) -> None:
    quiet = {
        "read_noise.white": 0.0,
        "telegraph.cell_fraction": 0.0,
        "flicker.relative_density": 0.0,
        "periphery.offset_sd": 0.0,
        "periphery.gain_sd": 0.0,
        "periphery.adc_bits": 24,
    }
    preset = make_preset(40, 24, {**NI_RRAM, **quiet})
    chip = formed(Chip(preset, 1, exact=exact))
    conductance = formed(Chip(preset, 1, exact=True)).read_conductance(chip.whole)
    if side == "cols":
        conductance = conductance.T
    v: Any = np.random.default_rng(0).uniform(-0.3, 0.3, (5, len(conductance))).astype(dtype)
    linear, cubic = Conduction(preset.parameters).split(conductance)
    by_cell = v[:, :, None] * linear + v[:, :, None].astype(np.float64) ** 3 * cubic
    chip.apply(v, side, chip.whole)
    np.testing.assert_allclose(chip.read(), by_cell.sum(axis=1), atol=4e-9)
    assert np.abs(by_cell.sum(axis=1) - v @ conductance).max() > 1e-7


def test_the_default_chip_is_ohmic(make_preset: MakePreset) -> None:
    assert Conduction(make_preset().parameters).ohmic
