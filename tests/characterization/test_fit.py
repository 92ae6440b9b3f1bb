"""Fitting: the real chip's published figures come back, and presets of them work."""

import gzip
import shutil
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rgnn_hal.characterization import (
    PRESET_KEYS,
    PRESET_TABLES,
    Characterization,
    Estimate,
    FittedParameter,
    FittedParameters,
    fit,
    read_preset,
    save_measurements,
    write_preset,
)
from rgnn_hal.characterization.read_noise import analyse
from rgnn_hal.macro import ConfigurationError, DataError
from rgnn_hal_firmware import Chip, Preset, PulseKind, Window, load_preset


@pytest.fixture(scope="module")
def fitted(ni_rram: Path) -> FittedParameters:
    return fit(ni_rram)


def test_white_noise_of_the_real_cell_is_recovered(fitted: FittedParameters) -> None:
    white = fitted["read_noise.white_relative"]
    assert white.value == pytest.approx(0.0126, abs=0.001)
    assert white.standard_error < 0.0005
    assert fitted["read_noise.rms_relative"].value == pytest.approx(0.0169, abs=0.0002)


def test_the_spectrum_of_the_real_cell_has_its_slope(fitted: FittedParameters) -> None:
    slope = fitted["read_noise.spectrum_slope"]
    assert slope.value == pytest.approx(-0.8, abs=0.15)
    assert slope.standard_error < 0.15


def test_the_spread_of_real_low_resistance_states_is_recovered(fitted: FittedParameters) -> None:
    assert fitted["compliance.lrs_spread"].value == pytest.approx(0.07, abs=0.01)
    assert fitted["compliance.lrs_mean"].value == pytest.approx(133e-6, abs=1e-6)
    assert fitted["compliance.hrs_log10_sd"].value == pytest.approx(0.60, abs=0.05)
    device, cycle = fitted["compliance.lrs_cv_device"], fitted["compliance.lrs_cv_cycle"]
    assert np.hypot(device.value, cycle.value) == pytest.approx(0.073, abs=0.005)
    assert device.value > cycle.value


def test_the_real_cell_wears_out_as_published(fitted: FittedParameters) -> None:
    decades = ("below_1e4", "1e4_to_1e5", "1e5_to_1e6", "from_1e6")
    lrs = [fitted[f"endurance.lrs_{decade}"] for decade in decades]
    values = [1e6 * one.value for one in lrs]
    assert values == pytest.approx([93, 90, 81, 77], abs=1.5)
    assert fitted["endurance.lrs_per_decade"].value < -5e-6
    assert all(1e6 * one.standard_error < 2 for one in lrs)


def test_the_zero_error_of_the_bench_is_fitted_and_not_taken_for_the_cells(
    fitted: FittedParameters,
) -> None:
    assert fitted["current_voltage.zero_error"].value == pytest.approx(-2.1e-6, abs=0.3e-6)
    ratios = [
        fitted[f"current_voltage.ratio_{name}"].value
        for name in ("80_to_200_us", "40_to_80_us", "10_to_40_us")
    ]
    assert ratios == sorted(ratios)
    assert ratios == pytest.approx([1.02, 1.08, 1.23], abs=0.08)


def test_a_bake_moves_middle_states_most(fitted: FittedParameters) -> None:
    middle = fitted["retention.bake_median_scatter_10_to_40_us"].value
    high = fitted["retention.bake_median_scatter_80_to_200_us"].value
    assert middle == pytest.approx(9e-6, abs=1.5e-6)
    assert high < 0.6 * middle


def test_a_single_table_is_fitted_as_in_its_folder(fitted: FittedParameters, ni_rram: Path) -> None:
    alone = fit(ni_rram / "100cyc.tsv")
    assert all(one in fitted.parameters for one in alone.parameters)
    assert "compliance.lrs_mean" in alone
    assert "read_noise.white" not in alone


def preset_of(path: Path) -> Preset:
    return Preset.from_document(tomllib.loads(path.read_text()))


def test_a_chip_of_the_fitted_preset_has_the_real_noise_and_spread(
    fitted: FittedParameters, tmp_path: Path
) -> None:
    path = tmp_path / "ni.toml"
    written = write_preset(fitted, read_preset("chip40nm"), path, "a real chip")
    assert {"read_noise.white", "switching.compliance_cv_device"} <= set(written.written)
    preset = preset_of(path)
    source = preset.provenance["read_noise.white"].source
    assert "fitted to ret1.csv.gz, n = 10000" in source

    chip = Chip(preset, 1)
    window, every = Window(0, 32, 0, 64), np.ones((32, 64), dtype=np.bool_)

    def pulse(kind: PulseKind, voltage: float, gate: float) -> None:
        amplitudes = np.full(every.shape, voltage), np.full(every.shape, gate)
        chip.pulse(kind, every, *amplitudes, 1e-3, 5 if kind is PulseKind.FORM else 1, window)

    pulse(PulseKind.FORM, 4.0, 1.65)
    cycles = []
    for _ in range(6):
        pulse(PulseKind.RESET, 2.4, 3.0)
        pulse(PulseKind.SET, 2.4, 2.4)
        cycles.append(chip.read_conductance(window, 64))
    mean = np.median(np.stack(cycles))
    assert mean == pytest.approx(fitted["compliance.lrs_mean"].value, rel=0.03)
    lrs = np.log(np.stack(cycles)[:, np.stack(cycles).std(axis=0) > 0])
    assert np.median(lrs.std(axis=0)) == pytest.approx(
        fitted["compliance.lrs_cv_cycle"].value, rel=0.2
    )
    # The noise is that of a cell of 93 uS, which a lower gate leaves.
    slope = preset.parameters.switching.compliance_slope
    pulse(PulseKind.RESET, 2.4, 3.0)
    pulse(PulseKind.SET, 2.4, 0.6 + fitted["read_noise.mean_conductance"].value / slope)
    reads = np.stack([chip.read_conductance(window) for _ in range(64)])
    noise = np.diff(reads, axis=0).std(axis=0) / np.sqrt(2) / reads.mean(axis=0)
    assert np.median(noise) == pytest.approx(fitted["read_noise.white_relative"].value, rel=0.1)


def test_pristine_cells_of_the_fitted_preset_are_not_taken_for_formed(
    fitted: FittedParameters, tmp_path: Path
) -> None:
    write_preset(fitted, read_preset("chip40nm"), tmp_path / "ni.toml", "a real chip")
    preset = preset_of(tmp_path / "ni.toml")
    chip, window, every = Chip(preset, 1), Window(0, 64, 0, 512), np.ones((64, 512), np.bool_)
    formed_from = 0.25 * preset.parameters.array.conductance_window[0]
    pristine = chip.read_conductance(window)
    assert np.quantile(pristine, 0.999) < formed_from
    amplitudes = np.full(every.shape, 4.0), np.full(every.shape, 1.65)
    chip.pulse(PulseKind.FORM, every, *amplitudes, 1e-3, 20, window)
    formed = chip.read_conductance(window)
    assert np.quantile(formed, 0.01) > 4 * formed_from


def test_a_low_resistance_state_without_its_gate_scales_a_preset_as_a_whole(
    fitted: FittedParameters, tmp_path: Path
) -> None:
    base = load_preset("chip40nm")
    written = write_preset(fitted, read_preset("chip40nm"), tmp_path / "ni.toml", "a real chip")
    preset = preset_of(tmp_path / "ni.toml")
    factor = fitted["compliance.lrs_mean"].value / (30e-6 * (2.4 - 0.6))
    measured = set(written.written) - {"switching.compliance_slope"}
    for key, quantity in base.provenance.items():
        scaled = preset.provenance[key]
        if key in measured:
            continue
        if quantity.unit in ("S", "S/V", "A"):
            assert scaled.value == pytest.approx(np.asarray(quantity.value) * factor)
            assert scaled.guess
        else:
            assert scaled == quantity
    slope = preset.provenance["switching.compliance_slope"]
    assert "133.3 uS" in slope.source and "2.4 V, assumed" in slope.source
    assert slope.uncertainty == pytest.approx(factor * 30e-6 * 0.0021, rel=0.05)
    assert "compliance.lrs_mean" not in written.unplaced


def test_a_stated_gate_is_that_of_the_low_resistance_state(tmp_path: Path) -> None:
    lrs = FittedParameter("compliance.lrs_mean", Estimate(60e-6, 1e-6, "S", 9), "x")
    gate = FittedParameter("compliance.gate_voltage", Estimate(1.6, 0.0, "V", 9), "x")
    fitted = FittedParameters((lrs, gate))
    write_preset(fitted, read_preset("chip40nm"), tmp_path / "mine.toml", "mine")
    slope = preset_of(tmp_path / "mine.toml").provenance["switching.compliance_slope"]
    assert slope.value == pytest.approx(60e-6)
    assert "assumed" not in slope.source


def test_a_chip_of_the_fitted_preset_has_the_spectrum_of_the_real_cell(
    fitted: FittedParameters, tmp_path: Path
) -> None:
    base = read_preset("chip40nm")
    # At 93 uS, as the real cell, and without the telegraph noise of another chip.
    base["switching"]["compliance_slope"]["value"] = 93e-6 / 1.8
    base["telegraph"]["cell_fraction"]["value"] = 0.0
    trace = [one for one in fitted.parameters if one.name.startswith("read_noise")]
    write_preset(FittedParameters(tuple(trace)), base, tmp_path / "ni.toml", "a real chip")
    chip = Chip(preset_of(tmp_path / "ni.toml"), 1)
    window, every = Window(0, 1, 0, 8), np.ones((1, 8), dtype=np.bool_)
    for kind, voltage in ((PulseKind.FORM, 4.0), (PulseKind.RESET, 2.4), (PulseKind.SET, 2.4)):
        amplitudes = np.full(every.shape, voltage), np.full(every.shape, 2.4)
        chip.pulse(kind, every, *amplitudes, 1e-3, 20 if kind is PulseKind.FORM else 1, window)
    time, reading = [], []
    for _ in range(10_000):
        time.append(chip.time)
        reading.append(chip.read_conductance(window)[0])
        chip.wait(0.0465)
    found = analyse(np.array(time), np.stack(reading, axis=1)).estimates
    assert found["spectrum_slope"].value == pytest.approx(-0.8, abs=0.15)
    white = found["white"].value / found["mean_conductance"].value
    assert white == pytest.approx(fitted["read_noise.white_relative"].value, rel=0.03)
    exponent = fitted["read_noise.flicker_exponent"]
    assert found["flicker_exponent"].value == pytest.approx(exponent.value, abs=0.2)


def test_a_measured_chip_becomes_its_own_preset_again(
    measured: Characterization, tmp_path: Path
) -> None:
    source = save_measurements(measured, tmp_path / "measurements.h5")
    fitted = fit(source)
    written = write_preset(fitted, read_preset("chip40nm"), tmp_path / "mine.toml", "mine")
    hidden = {"flicker.relative_density", "flicker.exponent"}  # below this chip's white noise
    hidden |= {"read_noise.quiet_below"}  # told by traces of one cell only
    assert set(PRESET_KEYS.values()) - hidden <= set(written.written)
    base, mine = load_preset("chip40nm"), preset_of(tmp_path / "mine.toml")
    assert (mine.name, mine.description) == ("mine", "mine")
    for key, quantity in base.provenance.items():
        if key in written.written:
            assert mine.provenance[key].source.startswith("fitted to measurements.h5")
            assert mine.provenance[key].uncertainty is not None
            assert not mine.provenance[key].guess
        else:
            assert mine.provenance[key] == quantity


def test_parameters_without_a_place_are_named_not_lost(tmp_path: Path) -> None:
    parameter = FittedParameter("wires.row_resistance", Estimate(1.0, 0.1, "ohm", 9), "x")
    written = write_preset(
        FittedParameters((parameter,)), read_preset("chip40nm"), tmp_path / "p.toml", "d"
    )
    assert written.unplaced == ("wires.row_resistance",)
    assert preset_of(tmp_path / "p.toml").provenance == load_preset("chip40nm").provenance


def test_quantities_by_conductance_level_fill_the_tables_of_a_preset(
    measured: Characterization, tmp_path: Path
) -> None:
    fitted = fit(save_measurements(measured, tmp_path / "measurements.h5"))
    assert [table.name for table in fitted.tables] == list(PRESET_TABLES)
    base = read_preset("chip40nm")
    base["relaxation"] = {
        key.split(".")[1]: {"value": [1e-6, 2e-6], "unit": "S", "source": "x", "guess": True}
        for key in PRESET_TABLES.values()
    }
    written = write_preset(fitted, base, tmp_path / "mine.toml", "mine")
    assert set(PRESET_TABLES.values()) <= set(written.written)
    section = tomllib.loads((tmp_path / "mine.toml").read_text())["relaxation"]
    for table in fitted.tables:
        quantity = section[table.name.split(".")[1]]
        assert quantity["value"] == pytest.approx(table.values, rel=1e-5)
        assert quantity["uncertainty"] == pytest.approx(table.standard_errors, rel=1e-5)
        assert "guess" not in quantity
    assert section["levels"]["value"] == sorted(section["levels"]["value"])


def test_a_preset_may_be_built_on_a_file_and_keeps_odd_characters(tmp_path: Path) -> None:
    base: dict[str, Any] = read_preset("chip40nm")
    base["forming"]["stress_time"]["source"] = 'a "quote", a \\ and µ\nnew line'
    nothing = FittedParameters(())
    write_preset(nothing, base, tmp_path / "one.toml", "first")
    again = read_preset(str(tmp_path / "one.toml"))
    assert again | {"name": base["name"], "description": base["description"]} == base


def test_a_unit_that_differs_is_refused(tmp_path: Path) -> None:
    parameter = FittedParameter("read_noise.white", Estimate(0.1, 0.01, "uS", 9), "x")
    with pytest.raises(DataError, match="uS"):
        write_preset(
            FittedParameters((parameter,)), read_preset("chip40nm"), tmp_path / "p.toml", "d"
        )
    assert not (tmp_path / "p.toml").exists()


def test_an_unknown_or_broken_base_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no base preset"):
        read_preset("chip7nm")
    broken = tmp_path / "broken.toml"
    broken.write_text("name = ")
    with pytest.raises(DataError, match="no TOML"):
        read_preset(str(broken))


CYCLES = "\n".join(f"{cell}\t{7000 + 10 * cell}\t2e5\t25" for cell in range(20))


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("100cyc.tsv", "", "0 rows"),
        ("100cyc.tsv", "\n\n", "0 rows"),
        ("100cyc.tsv", CYCLES.replace("7010", "nan"), "line 2.*finite"),
        ("100cyc.tsv", CYCLES.replace("7010", "inf"), "line 2.*finite"),
        ("100cyc.tsv", CYCLES.replace("7010", "?"), "line 2.*finite"),
        ("100cyc.tsv", CYCLES.replace("7010", "-5"), "not above zero"),
        ("100cyc.tsv", CYCLES.replace("\t25", ""), "line 1: 3 columns"),
        ("1us_endurance.tsv", CYCLES[:200], "too few cycles"),
        ("read_multivolt.tsv", CYCLES.replace("\t25", ""), "same 4 or more voltages"),
        ("prebake.tsv", CYCLES, "both tables"),
        ("ret1.csv", CYCLES.replace("\t", ","), "4 columns"),
        ("notes.txt", CYCLES, "holds no measurements"),
        ("measurements.h5", CYCLES, "no complete file"),
    ],
)
def test_bad_tables_are_refused_with_the_place_and_the_remedy(
    name: str, text: str, complaint: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    for source in (tmp_path / name, tmp_path):
        with pytest.raises(DataError, match=complaint):
            fit(source)


def test_damaged_archives_and_binary_files_are_refused(tmp_path: Path) -> None:
    whole = gzip.compress(CYCLES.encode())
    path = tmp_path / "100cyc.tsv.gz"
    path.write_bytes(whole)
    assert "compliance.lrs_mean" in fit(path)
    for damaged in (whole[:40], b"no gzip", whole[:30] + b"\xff" * 10 + whole[40:]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="copy it again"):
            fit(path)
    (tmp_path / "100cyc.tsv").write_bytes(bytes(range(256)))
    with pytest.raises(DataError, match="no complete table"):
        fit(tmp_path / "100cyc.tsv")


def test_a_missing_source_and_an_empty_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        fit(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds no measurements"):
        fit(tmp_path)


def test_a_bake_without_its_other_half_is_refused(ni_rram: Path, tmp_path: Path) -> None:
    shutil.copy(ni_rram / "postbake.tsv", tmp_path)
    with pytest.raises(DataError, match="prebake and postbake"):
        fit(tmp_path)
