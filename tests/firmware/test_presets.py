"""Every preset opens, forms and writes; those with published statistics show them."""

import numpy as np
import pytest

from rgnn_hal.macro import Region, open_macro
from rgnn_hal.programming import CellStatus, form, write_verify
from rgnn_hal_firmware import preset_names

HOUR = 3600.0


@pytest.mark.parametrize("name", preset_names())
def test_a_chip_of_every_preset_forms_and_writes(name: str) -> None:
    with open_macro(f"emulator://?preset={name}&seed=1") as macro:
        region = Region(0, 64, 0, 64)
        assert form(macro, region).formed_fraction > 0.99
        window = macro.spec.conductance
        target = np.random.default_rng(0).uniform(window.low, window.high, region.shape)
        report = write_verify(macro, target, region)
        assert report.success_fraction > 0.97
        v = np.random.default_rng(1).uniform(0.0, macro.spec.read_voltage.high / 8, (8, 64))
        seen = macro.multiply(v, region=region, samples=16)
        np.testing.assert_allclose(seen.mean(), (v @ target).mean(), rtol=0.08)


def test_milo_has_the_published_spread_after_verify() -> None:
    levels = np.array([55.0, 100.0, 150.0, 220.0])
    with open_macro("emulator://?preset=milo&seed=2") as macro:
        form(macro)
        target = np.tile(levels * 1e-6, (64, 16))
        report = write_verify(macro, target, tolerance=2e-6)
        macro.wait(1.0)
        error = macro.read_conductance(samples=64) - target
    error[report.status != CellStatus.VERIFIED] = np.nan
    spread = np.nanstd(error.reshape(-1, levels.size), axis=0)
    np.testing.assert_allclose(spread, (4.782 - 0.00911 * levels) * 1e-6, rtol=0.12)


def test_milo_curves_in_voltage() -> None:
    with open_macro("emulator://?preset=milo&seed=2&exact=true") as macro:
        form(macro)
        v = np.zeros((2, 64))
        v[0, 5], v[1, 5] = 0.1, 0.2
        low, high = macro.multiply(v)
        conductance = macro.read_conductance()[5]
    np.testing.assert_allclose(high, 0.2 * conductance, rtol=1e-9)
    assert 1.005 < np.median(high / low) / 2 < 1.03


def test_cmo_hfox_drifts_and_spreads_as_published() -> None:
    target = np.tile(np.array([20.0, 40.0, 60.0, 80.0]) * 1e-6, (64, 16))
    with open_macro("emulator://?preset=cmo-hfox&seed=2") as macro:
        form(macro)
        write_verify(macro, target, tolerance=1e-6)
        written = macro.read_conductance(samples=64)
        macro.wait(1.0)
        second = macro.read_conductance(samples=64) - written
        macro.wait(HOUR - 1.0)
        hour = macro.read_conductance(samples=64) - written
    assert second.std() == pytest.approx(0.412e-6, rel=0.1)
    assert hour.std() == pytest.approx((0.412 + 0.042 * np.log(HOUR)) * 1e-6, rel=0.1)
    assert hour.mean() == pytest.approx(-0.68e-6, abs=0.1e-6)


def test_an_ideal_chip_is_ohm_s_law_for_ever() -> None:
    with open_macro("emulator://?preset=ideal&temperature=400") as macro:
        report = form(macro)
        assert report.formed_fraction == 1.0
        assert report.std < 1e-15
        region = Region(0, 64, 0, 64)
        target = np.random.default_rng(0).uniform(1e-6, 40e-6, region.shape)
        assert write_verify(macro, target, region).success_fraction == 1.0
        conductance = macro.read_conductance()
        v = np.random.default_rng(1).uniform(-0.2, 0.2, (8, 512))
        np.testing.assert_allclose(macro.multiply(v), v @ conductance, atol=1e-8)
        macro.wait(1e9)
        np.testing.assert_array_equal(macro.read_conductance(), conductance)
