"""A coding's planes add up to its input within half a step, each sample for itself."""

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from rgnn_hal.analog import BitSerial, InputCoding, Multilevel, OffsetBitSerial
from rgnn_hal.macro import LimitError, MacroSpec
from tests.conftest import make_spec

Floats = NDArray[Any]
SIGNED = make_spec()
UNSIGNED = make_spec(read_voltage={"low": 0.0, "high": 0.2})
LOPSIDED = make_spec(read_voltage={"low": -0.1, "high": 0.3})
WINDOWS = {"signed": SIGNED, "unsigned": UNSIGNED, "lopsided": LOPSIDED}
CODINGS: list[InputCoding] = [
    Multilevel(),
    Multilevel(4),
    Multilevel(8),
    BitSerial(3),
    BitSerial(),
    OffsetBitSerial(3),
    OffsetBitSerial(),
]
every_coding = pytest.mark.parametrize("coding", CODINGS, ids=repr)
every_window = pytest.mark.parametrize("spec", WINDOWS.values(), ids=WINDOWS.keys())


@st.composite
def inputs(draw: st.DrawFn) -> Floats:
    """Batches of either precision whose samples lie at magnitudes from 1e-20 to 1e30.

    Numbers below 1e-25 are zero, so that no plane's weight falls among float32's subnormals.
    """
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    reals = st.floats(-1, 1, width=32, allow_subnormal=False)
    shape = draw(array_shapes(min_dims=2, max_dims=2, max_side=6))
    x = draw(arrays(dtype, shape, elements=reals))
    exponent = draw(arrays(np.int64, (shape[0], 1), elements=st.integers(-20, 30)))
    scaled: Floats = x * (10.0**exponent).astype(dtype)
    scaled[np.abs(scaled) < 1e-25] = 0
    return scaled


def decoded(coding: InputCoding, x: Floats, spec: MacroSpec) -> Floats:
    """The input that the planes stand for, summed in float64."""
    coded = coding.encode(x, spec)
    weight, voltage = coded.weight.astype(np.float64), coded.voltage.astype(np.float64)
    total: Floats = np.einsum("bp,bpi->bi", weight, voltage)
    return total


def half_step(coding: InputCoding, x: Floats, spec: MacroSpec) -> Floats:
    """Per sample, half of the distance of two neighbouring codes."""
    exact = x.astype(np.float64)
    span: Floats = np.abs(exact).max(axis=1)
    match coding:
        case Multilevel(bits=None):
            return 0 * span
        case Multilevel(bits=int(bits)):
            steps = 2 ** (bits - 1) - 1 if spec.read_voltage.low < 0 else 2**bits - 1
        case BitSerial(bits=bits):
            steps = 2**bits - 1
        case OffsetBitSerial(bits=bits):
            steps = 2**bits - 1
            span = np.ptp(exact, axis=1)
        case _:
            raise AssertionError(coding)
    half: Floats = span / (2 * steps)
    return half


@every_coding
@every_window
@given(inputs())
def test_planes_times_weights_are_the_input_within_half_a_step(
    coding: InputCoding, spec: MacroSpec, x: Floats
) -> None:
    error = np.abs(decoded(coding, x, spec) - x)
    rounding = 8 * np.finfo(x.dtype).eps * np.abs(x).max(axis=1)
    assert (error <= (half_step(coding, x, spec) + rounding)[:, None]).all()


@every_coding
@every_window
@given(inputs())
def test_voltages_lie_within_the_window_and_keep_the_dtype(
    coding: InputCoding, spec: MacroSpec, x: Floats
) -> None:
    coded = coding.encode(x, spec)
    assert coded.voltage.dtype == coded.weight.dtype == x.dtype
    assert coded.voltage.shape == (x.shape[0], coded.weight.shape[1], x.shape[1])
    exact = coded.voltage.astype(np.float64)
    assert exact.min() >= spec.read_voltage.low
    assert exact.max() <= spec.read_voltage.high


@every_coding
@every_window
@given(inputs(), st.data())
def test_the_code_of_a_sample_does_not_depend_on_its_batch(
    coding: InputCoding, spec: MacroSpec, x: Floats, data: st.DataObject
) -> None:
    chosen = data.draw(st.integers(0, len(x) - 1))
    whole, alone = coding.encode(x, spec), coding.encode(x[chosen : chosen + 1], spec)
    assert np.array_equal(whole.voltage[chosen], alone.voltage[0])
    assert np.array_equal(whole.weight[chosen], alone.weight[0])


@every_coding
@every_window
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, -1.0, 1e-30, -1e30])
def test_constant_vectors_are_coded_exactly(
    coding: InputCoding, spec: MacroSpec, dtype: Any, value: float
) -> None:
    x = np.full((2, 3), value, dtype=dtype)
    assert decoded(coding, x, spec) == pytest.approx(x.astype(float), rel=1e-6, abs=0)


@every_coding
@every_window
def test_the_largest_input_uses_the_whole_window(coding: InputCoding, spec: MacroSpec) -> None:
    x = np.array([[-1.0, 0.25, 1.0]])
    full = min(spec.read_voltage.high, -spec.read_voltage.low or spec.read_voltage.high)
    assert np.abs(coding.encode(x, spec).voltage).max() == full


@every_coding
def test_numbers_are_rounded_and_not_truncated(coding: InputCoding) -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (400, 64))
    bias = (decoded(coding, x, SIGNED) - x).mean()
    # Truncation would shift by half a step: 0.07 with four bits, 0.14 with three.
    assert abs(bias) < 1e-3


@pytest.mark.parametrize(
    ("coding", "signed", "unsigned"),
    [(Multilevel(), 1, 2), (BitSerial(8), 8, 16), (OffsetBitSerial(8), 9, 9)],
)
def test_the_number_of_planes_is_what_the_coding_says(
    coding: InputCoding, signed: int, unsigned: int
) -> None:
    x = np.array([[-1.0, 0.5]])
    assert coding.encode(x, SIGNED).voltage.shape == (1, signed, 2)
    assert coding.encode(x, UNSIGNED).voltage.shape == (1, unsigned, 2)


@pytest.mark.parametrize("bits", [2, 3, 6])
def test_a_multilevel_code_has_as_many_levels_as_its_bits(bits: int) -> None:
    x = np.linspace(-1, 1, 5001)[None, :]
    signed = Multilevel(bits).encode(x, SIGNED).voltage
    unsigned = Multilevel(bits).encode(x, UNSIGNED).voltage
    assert np.unique(signed.round(12)).size == 2**bits - 1
    assert np.unique(unsigned.round(12)).size == 2**bits


@pytest.mark.parametrize("spec", [SIGNED, UNSIGNED])
@pytest.mark.parametrize("coding", [BitSerial(5), OffsetBitSerial(5)])
@given(x=inputs())
def test_bit_planes_are_on_or_off(coding: InputCoding, spec: MacroSpec, x: Floats) -> None:
    voltage = np.abs(coding.encode(x, spec).voltage)
    assert np.unique(voltage[voltage > 0]).size <= 1


@pytest.mark.parametrize("coding", [BitSerial(), OffsetBitSerial(), Multilevel()])
def test_inputs_too_large_for_their_type_are_refused(coding: InputCoding) -> None:
    x = np.array([[2e38, 0.0]], np.float32)
    with pytest.raises(LimitError, match="scale them down"):
        coding.encode(x, SIGNED)
    assert np.isfinite(coding.encode(x.astype(np.float64), SIGNED).weight).all()


@pytest.mark.parametrize("coding", [BitSerial, OffsetBitSerial, Multilevel])
@pytest.mark.parametrize("bits", [-1, 0, 1, 17, 64])
def test_impossible_numbers_of_bits_are_refused(coding: Any, bits: int) -> None:
    with pytest.raises(LimitError, match=r"2 \.\.\. 16"):
        coding(bits)


def cell_noise(coding: InputCoding, x: Floats) -> float:
    """Mean variance of a product in units of one cell's, whose noise is its voltage's share."""
    coded = coding.encode(x, SIGNED)
    return float(np.einsum("bp,bpi->bi", coded.weight**2, coded.voltage**2).mean())


def test_eight_reads_of_one_level_have_a_quarter_of_the_noise_of_eight_bit_planes() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (400, 64))
    ratio = cell_noise(Multilevel(), x) / 8 / cell_noise(BitSerial(8), x)
    assert ratio == pytest.approx(1 / 4, rel=0.02)
