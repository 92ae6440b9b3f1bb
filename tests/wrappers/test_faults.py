"""Faults strike as they are told, are typed, and never come with wrong data."""

import time

import numpy as np
import pytest

from rgnn_hal.macro import ConfigurationError, DeviceError, HalError, PulseKind, TransportError
from rgnn_hal.wrappers import Fault, FaultKind, Faults
from tests.conftest import ArrayMacro, random_conductance

VOLTAGE = np.full((2, 8), 0.1)
ALL = [
    Fault(verb, kind, rate=0.2, timeout=0.0)
    for verb in ("pulse", "apply", "read", "multiply", "read_conductance", "wait")
    for kind in FaultKind
]


def test_a_fault_strikes_the_call_that_it_names() -> None:
    macro = Faults(ArrayMacro(), [Fault("read", FaultKind.DEVICE, at=3)])
    macro.read()
    macro.multiply(VOLTAGE)
    macro.read()
    with pytest.raises(DeviceError, match=r"call 3 of read \(injected\)"):
        macro.read()
    macro.read()
    assert macro.struck == ["device at read 3, effect: False"]


def test_a_device_error_has_no_effect_and_a_lost_connection_may_have_one() -> None:
    effects = set()
    for seed in range(20):
        for kind in (FaultKind.DEVICE, FaultKind.LOST):
            inner = ArrayMacro()
            before = inner.conductance.copy()
            macro = Faults(inner, [Fault("pulse", kind, at=1)], seed)
            with pytest.raises(DeviceError if kind is FaultKind.DEVICE else TransportError):
                macro.pulse(
                    PulseKind.SET,
                    np.ones((8, 6), bool),
                    voltage=1.0,
                    gate_voltage=1.0,
                    width=1e-6,
                )
            effects.add((kind, not np.array_equal(inner.conductance, before)))
    assert effects == {
        (FaultKind.DEVICE, False),
        (FaultKind.LOST, False),
        (FaultKind.LOST, True),
    }


def test_silence_lasts_its_time() -> None:
    macro = Faults(ArrayMacro(), [Fault("wait", FaultKind.SILENT, at=1, timeout=0.05)])
    start = time.monotonic()
    with pytest.raises(TransportError, match=r"within 0\.05 s"):
        macro.wait(0.0)
    assert time.monotonic() - start >= 0.05


def campaign(seed: int, calls: int) -> tuple[list[str], int]:
    """Faults of a session of mixed calls; every answer that comes must be right."""
    inner = ArrayMacro(conductance=random_conductance(8, 6))
    macro = Faults(inner, ALL, seed)
    draw = np.random.default_rng(seed)
    mask = np.ones((8, 6), bool)
    answered = 0
    for _ in range(calls):
        try:
            match int(draw.integers(5)):
                case 0:
                    expected = VOLTAGE @ inner.conductance
                    assert macro.multiply(VOLTAGE) == pytest.approx(expected)
                case 1:
                    macro.apply(VOLTAGE)
                    assert macro.read() == pytest.approx(VOLTAGE @ inner.conductance)
                case 2:
                    assert np.array_equal(macro.read_conductance(), inner.conductance)
                case 3:
                    macro.pulse(PulseKind.SET, mask, voltage=1.0, gate_voltage=1.0, width=1e-6)
                case _:
                    macro.wait(0.0)
            answered += 1
        except HalError as error:
            assert isinstance(error, DeviceError | TransportError)
            assert not inner.latched[0].any()  # grounded, whatever failed
    return macro.struck, answered


def test_hundreds_of_faults_are_typed_leave_the_array_grounded_and_give_no_wrong_data() -> None:
    struck, answered = campaign(seed=1, calls=2000)
    assert len(struck) > 700
    assert answered > 500


def test_the_same_seed_gives_the_same_faults() -> None:
    assert campaign(5, 100) == campaign(5, 100) != campaign(6, 100)


@pytest.mark.parametrize(
    "bad",
    [
        {"verb": "melt"},
        {"verb": "read", "rate": 1.5},
        {"verb": "read", "rate": float("nan")},
        {"verb": "read", "timeout": -1.0},
    ],
)
def test_a_fault_that_makes_no_sense_is_a_configuration_error(bad: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        Fault(kind=FaultKind.LOST, **bad)  # type: ignore[arg-type]


def test_grounding_works_in_spite_of_faults_unless_it_is_named() -> None:
    inner = ArrayMacro()
    with Faults(inner, ALL) as macro:
        for _ in range(100):
            macro.safe()
    assert inner.closed
    with pytest.raises(TransportError):
        Faults(ArrayMacro(), [Fault("safe", FaultKind.LOST, at=1)]).safe()
