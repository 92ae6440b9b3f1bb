from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rgnn_hal.macro import (
    Capability,
    ConfigurationError,
    DeviceError,
    LimitError,
    Macro,
    NotSupportedError,
    PulseKind,
    Region,
    open_macro,
)

REGION = Region(4, 36, 8, 28)


def form(macro: Macro, region: Region | None = None) -> Macro:
    shape = (region or macro.spec.region).shape
    macro.pulse(
        PulseKind.FORM,
        np.ones(shape, np.bool_),
        voltage=4.0,
        gate_voltage=1.65,
        width=1e-3,
        region=region,
    )
    return macro


def voltages(batch: int, lines: int) -> Any:
    return np.random.default_rng(0).uniform(-0.2, 0.2, (batch, lines))


@pytest.fixture
def macro() -> Iterator[Macro]:
    with open_macro("emulator://?seed=7") as macro:
        yield form(macro, REGION)


def test_the_default_chip_is_the_512_square_of_the_paper() -> None:
    with open_macro("emulator://") as macro:
        spec = macro.spec
    assert (spec.rows, spec.cols) == (512, 512)
    assert (spec.dac_bits, spec.adc_bits) == (16, 14)
    assert (spec.conductance.low, spec.conductance.high) == (1e-6, 40e-6)
    assert set(spec.pulses) == set(PulseKind)
    assert spec.capabilities == {Capability.TRANSPOSE, Capability.VIRTUAL_CLOCK}
    assert 0 < spec.read_noise < 0.2e-6


def test_identity_tells_chips_apart_and_not_how_they_are_read(tmp_path: Path) -> None:
    def identity(query: str) -> str:
        with open_macro(f"emulator://?{query}") as macro:
            return macro.spec.identity

    assert identity("seed=1") != identity("seed=2")
    assert identity("seed=1") == identity("seed=1&exact=true")
    assert identity("seed=1") == identity(f"seed=1&state={tmp_path / 'chip.h5'}")


@pytest.mark.parametrize(
    ("uri", "complaint"),
    [
        ("emulator://?seed=-1", "seed"),
        ("emulator://?seed=soon", "seed"),
        ("emulator://?sed=1", "sed=.*Known keys: seed, preset, state, exact"),
        ("emulator://?exact=perhaps", "exact"),
        ("emulator://?state=", "state"),
        ("emulator://?preset=nosuch", "no preset 'nosuch'; there are: .*chip40nm"),
        ("emulator://lab7?seed=1", "takes no address, got 'lab7'"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused(uri: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        open_macro(uri)


def test_a_chip_without_a_file_is_new_each_time() -> None:
    with open_macro("emulator://?seed=7&exact=true") as first:
        before = form(first).read_conductance()
    with open_macro("emulator://?seed=7&exact=true") as second:
        assert np.median(second.read_conductance()) < 1e-6
        np.testing.assert_array_equal(form(second).read_conductance(), before)


def test_a_chip_with_a_file_persists(tmp_path: Path) -> None:
    uri = f"emulator://?seed=7&exact=true&state={tmp_path / 'chip.h5'}"
    with open_macro(uri) as macro:
        assert Capability.PERSISTENT in macro.spec.capabilities
        before = form(macro, REGION).read_conductance()
    with open_macro(uri) as macro:
        np.testing.assert_array_equal(macro.read_conductance(), before)


def test_a_chip_in_use_is_a_device_error(tmp_path: Path) -> None:
    uri = f"emulator://?state={tmp_path / 'chip.h5'}"
    with open_macro(uri), pytest.raises(DeviceError, match="in use by process"):
        open_macro(uri)
    open_macro(uri).close()


def test_a_file_that_is_no_chip_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a chip")
    with pytest.raises(ConfigurationError, match="not a chip file"):
        open_macro(f"emulator://?state={tmp_path / 'notes.txt'}")
    assert (tmp_path / "notes.txt").read_text() == "not a chip"


def test_another_seed_than_the_file_s_is_a_configuration_error(tmp_path: Path) -> None:
    open_macro(f"emulator://?seed=7&state={tmp_path / 'chip.h5'}").close()
    with pytest.raises(ConfigurationError, match="with seed 7, not 8"):
        open_macro(f"emulator://?seed=8&state={tmp_path / 'chip.h5'}")


def test_multiply_is_apply_then_read() -> None:
    v = voltages(5, 32)
    with open_macro("emulator://?seed=7") as one, open_macro("emulator://?seed=7") as other:
        form(one, REGION)
        form(other, REGION)
        fused = one.multiply(v, region=REGION, samples=3)
        other.apply(v, region=REGION)
        np.testing.assert_array_equal(other.read(samples=3), fused)


def test_voltages_stay_latched_after_a_product(macro: Macro) -> None:
    v = voltages(5, 20)
    first = macro.multiply(v, side="cols", region=REGION)
    again = macro.read()
    assert again.shape == first.shape == (5, 32)
    assert np.abs(again - first).max() < 1e-6 < np.abs(first).max()


@pytest.mark.parametrize("verb", ["safe", "pulse", "read_conductance", "wait", "a failed call"])
def test_lines_are_grounded_after(macro: Macro, verb: str) -> None:
    macro.apply(voltages(5, 32), region=REGION)
    if verb == "safe":
        macro.safe()
    elif verb == "pulse":
        form(macro, REGION)
    elif verb == "read_conductance":
        macro.read_conductance(REGION)
    elif verb == "wait":
        macro.wait(1.0)
    else:
        with pytest.raises(NotSupportedError):
            macro.program(np.full((32, 20), 5e-6), REGION)
        assert macro.read().shape == (5, 20)
        return
    offsets = macro.read()
    assert offsets.shape == (1, 512)
    assert np.abs(offsets).max() < 6 * 100e-9


def test_a_refused_call_moves_nothing() -> None:
    with open_macro("emulator://?seed=7") as one, open_macro("emulator://?seed=7") as other:
        for macro in (form(one, REGION), form(other, REGION)):
            macro.apply(voltages(5, 32), region=REGION)
        with pytest.raises(LimitError):
            one.multiply(np.full((1, 512), 0.3))
        with pytest.raises(LimitError):
            one.read(samples=0)
        assert one.clock() == other.clock()
        np.testing.assert_array_equal(one.read(), other.read())


def test_arrays_that_come_back_are_the_caller_s(macro: Macro) -> None:
    first = macro.multiply(voltages(5, 32), region=REGION)
    kept = first.copy()
    second = macro.multiply(-voltages(5, 32), region=REGION)
    np.testing.assert_array_equal(first, kept)
    first[:] = second[:] = 0
    conductance = macro.read_conductance(REGION)
    conductance[:] = 0
    assert macro.read_conductance(REGION).mean() > 10e-6


def test_arrays_that_are_given_may_be_reused(macro: Macro) -> None:
    v = voltages(5, 32)
    macro.apply(v, region=REGION)
    v[:] = 0
    assert np.abs(macro.read()).max() > 1e-6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_currents_have_the_type_of_the_voltages(macro: Macro, dtype: Any) -> None:
    assert macro.multiply(voltages(2, 32).astype(dtype), region=REGION).dtype == dtype
    assert macro.read_conductance(REGION).dtype == np.float64


def test_the_clock_is_virtual(macro: Macro) -> None:
    before = macro.clock()
    macro.wait(3600.0)
    macro.multiply(voltages(10, 32), region=REGION, samples=4)
    assert macro.clock() - before == pytest.approx(3600.0 + 40 * macro.spec.read_time)


def test_an_exact_macro_is_ohm_s_law() -> None:
    with open_macro("emulator://?seed=7&exact=true") as macro:
        conductance = form(macro).read_conductance()
        v = voltages(5, 512)
        np.testing.assert_array_equal(macro.multiply(v), v @ conductance)
        assert (macro.spec.dac_bits, macro.spec.adc_bits, macro.spec.read_noise) == (None, None, 0)
        full = np.full((1, 512), 0.2)
        assert macro.multiply(full).max() < macro.spec.current.high


def test_a_disk_that_refuses_is_a_device_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_macro(f"emulator://?state={tmp_path / 'chip.h5'}") as macro:

        def refuse(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("os.fsync", refuse)
            with pytest.raises(DeviceError, match="No space left"):
                form(macro, REGION)
        assert np.median(macro.read_conductance(REGION)) < 1e-6


@pytest.mark.parametrize("fused", [True, False])
def test_a_warning_of_lossy_wires_points_to_who_asked_for_the_product(fused: bool) -> None:
    with open_macro("emulator://?seed=1&preset=chip40nm-wires") as macro:
        region = Region(0, 256, 0, 512)
        form(macro)
        with pytest.warns(RuntimeWarning, match="wires take") as caught:
            if fused:
                macro.multiply(voltages(1, 256), region=region)
            else:
                macro.apply(voltages(1, 256), region=region)
                macro.read()
        assert caught[0].filename == __file__
