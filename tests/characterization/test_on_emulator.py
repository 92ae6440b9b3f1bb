"""What is measured on the emulated chip agrees with the preset it is made from."""

from collections.abc import Iterator

import pytest

from rgnn_hal.characterization import PRESET_KEYS, Characterization, Plan, characterize
from rgnn_hal.characterization.converters import Converters
from rgnn_hal.characterization.read_noise import ReadNoise
from rgnn_hal.macro import Macro, PulseKind, Region, open_macro
from rgnn_hal_firmware import load_preset

SIGMAS = 3.5
"""Of 29 quantities on a given chip, none is farther off by chance in 99 of 100 chips."""
SETTINGS = {"forming.stress_time", "forming.gate_voltage", "set_response.reference_width"}
"""What the measurement chose itself."""
HIDDEN = {"read_noise.flicker_at_1_hz", "read_noise.flicker_exponent", "read_noise.quiet_below"}
"""What is far below the white noise on chip40nm, or only a trace of one cell tells: see `test_fit`
for a chip that shows it."""


def truth(key: str) -> float:
    value = load_preset("chip40nm").provenance[key].value
    assert isinstance(value, int | float)
    return float(value)


@pytest.mark.parametrize("name", sorted(set(PRESET_KEYS) - SETTINGS - HIDDEN))
def test_a_measured_parameter_agrees_with_the_preset(name: str, measured: Characterization) -> None:
    measurement, quantity = name.split(".")
    estimate = measured.findings[measurement].estimates[quantity]
    expected = truth(PRESET_KEYS[name])
    assert estimate.standard_error > 0
    assert estimate.agrees_with(expected, SIGMAS), (estimate, expected)


@pytest.mark.parametrize(
    ("name", "relative_error"),
    [
        ("forming.breakdown_voltage_mean", 0.001),
        ("forming.breakdown_voltage_sd", 0.02),
        ("forming.conductance_mean", 0.01),
        ("forming.conductance_cv", 0.02),
        ("read_noise.white", 0.002),
        ("converters.offset_sd", 0.1),
        ("converters.gain_sd", 0.1),
        ("set_response.voltage_mean", 0.01),
        ("reset_response.voltage_mean", 0.01),
        ("compliance.slope", 0.01),
    ],
)
def test_a_measurement_is_sharp_enough_to_be_of_use(
    name: str, relative_error: float, measured: Characterization
) -> None:
    measurement, quantity = name.split(".")
    estimate = measured.findings[measurement].estimates[quantity]
    assert estimate.standard_error < relative_error * abs(estimate.value)


def test_everything_was_measured(measured: Characterization) -> None:
    assert not measured.skipped
    for name, found in measured.findings.items():
        assert found.estimates, name
        for key, estimate in found.estimates.items():
            assert estimate.unit, (name, key)
            assert estimate.count > 0, (name, key)


def test_a_longer_pulse_switches_in_proportion(measured: Characterization) -> None:
    for kind in ("set", "reset"):
        exponent = measured.findings[f"{kind}_response"].estimates["width_exponent"]
        assert exponent.agrees_with(1.0, 3.0)


def test_ideal_instruments_show_no_noise_and_no_errors() -> None:
    with open_macro("emulator://?seed=1&exact=true") as macro:
        names = ["forming", "converters", "read_noise", "wires"]
        plan = Plan.for_macro(macro.spec, Region(0, 64, 0, 64), only=names)
        found = characterize(macro, plan).findings
    assert found["read_noise"].estimates["white"].value == 0.0
    assert found["converters"].estimates["offset_sd"].value == 0.0
    assert found["converters"].estimates["gain_sd"].value < 1e-12


@pytest.fixture
def formed() -> Iterator[Macro]:
    with open_macro("emulator://?seed=3") as macro:
        region = Region(0, 16, 0, 64)
        macro.pulse(
            PulseKind.FORM,
            [[True] * 64] * 16,
            voltage=4.0,
            gate_voltage=1.65,
            width=1e-3,
            count=20,
            region=region,
        )
        yield macro


def test_a_pause_between_reads_reaches_lower_frequencies(formed: Macro) -> None:
    region = Region(0, 4, 0, 64)
    reports: list[tuple[int, int, str]] = []

    def note(done: int, total: int, label: str) -> None:
        reports.append((done, total, label))

    fast = ReadNoise(reads=256).run(formed, region, note)
    slow = ReadNoise(reads=256, pause=0.1).run(formed, region, note)
    assert slow.series["frequency"].values[0] < 0.02 * fast.series["frequency"].values[0]
    assert reports[-1] == (256, 256, "read noise")


def test_the_zero_of_a_column_is_the_same_before_and_after_forming(formed: Macro) -> None:
    def note(done: int, total: int, label: str) -> None: ...

    pristine = Converters().run(formed, Region(64, 128, 0, 64), note).series["offset"].values
    conducting = Converters().run(formed, Region(0, 16, 0, 64), note).series["offset"].values
    assert conducting == pytest.approx(pristine, abs=1e-12)
