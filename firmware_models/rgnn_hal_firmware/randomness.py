"""Counter-based randomness: every random number is a function of what it is for, not of when.

Two kinds. *Draws* belong to one cell and one event of its life, keyed by (seed, purpose, cell,
event) through the splitmix64 finaliser (Steele, Lea and Flood, OOPSLA 2014): how cells are grouped
into calls never changes what happens to a cell. *Streams* are endless sequences of standard normals
for noise in bulk, from one PCG64DXSM each (O'Neill, HMC-CS-2014-0905, as in NumPy), whose jumps
reach any block of a stream without walking there.

Every normal is the sum of two from a table of 65536 equally likely quantiles, addressed by 16 bits
each. In 4e7 of them no moment or tail up to 4 sd differs from a normal's by more than sampling; the
last is at 5.9 sd. A stream takes the sum and the difference of each pair: a rotation, after which
two normals are as independent as they were before. Normals are the same on every machine and take
1.5 ns in a stream, a tenth of NumPy's ziggurat, and a fifth of the inverse distribution function's
time in a draw.
"""

from enum import IntEnum
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from rgnn_hal_firmware.span import span

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_BLOCK = 1 << 14


def _half_normal_quantiles() -> NDArray[np.float32]:
    quantiles = ndtri((np.arange(1 << 16) + 0.5) / (1 << 16))
    scaled: NDArray[np.float32] = (quantiles / (quantiles.std() * np.sqrt(2))).astype(np.float32)
    return scaled


_HALF_NORMALS = _half_normal_quantiles()
"""Two independent draws of these add up to a standard normal, (65536,)."""


class Purpose(IntEnum):
    """What a number is drawn for. Values are part of a chip's identity: never renumber them."""

    BREAKDOWN_VOLTAGE = 1
    FORMED_CONDUCTANCE = 2
    ROW_SPREAD = 3
    COLUMN_MEAN = 4
    SET_VOLTAGE = 5
    RESET_VOLTAGE = 6
    COMPLIANCE_DEVICE = 7
    COMPLIANCE_CYCLE = 8
    RATE_CYCLE = 9
    DEFECT_KIND = 10
    SHORT_CONDUCTANCE = 11
    SHORT_COLUMN_PHASE = 12
    CELL_READ = 13
    PRODUCT_READ = 14
    CONVERTER_OFFSET = 15
    CONVERTER_GAIN = 16
    TRAP_PRESENT = 17
    TRAP_AMPLITUDE = 18
    TRAP_OCCUPANCY = 19
    TRAP_TIME = 20
    TRAP_PHASE = 21
    TRAP_RENEWAL = 22
    TRAP_STATE = 23
    TRAP_READ = 24
    RELAXATION = 25
    FLICKER = 26
    TEMPERATURE_COEFFICIENT = 27
    LIFETIME = 28
    INPUT_NOISE = 29
    INPUT_OFFSET = 40
    INPUT_GAIN = 41
    INPUT_BOW = 42
    CONVERTER_BOW = 43
    CONVERTER_WALK = 44


def uniform(
    seed: int,
    purpose: Purpose,
    cell: NDArray[np.integer],
    event: NDArray[np.integer] | int = 0,
) -> NDArray[np.float64]:
    """Uniform in (0, 1), one per element of `cell` broadcast with `event`."""
    bits = draw_bits(seed, purpose, cell, event)
    bits >>= np.uint64(11)
    value = bits.astype(np.float64)
    value += 0.5
    value *= 2.0**-53
    return value


def normal(
    seed: int,
    purpose: Purpose,
    cell: NDArray[np.integer],
    event: NDArray[np.integer] | int = 0,
) -> NDArray[np.float64]:
    """Standard normal, one per element of `cell` broadcast with `event`."""
    return normal_of(draw_bits(seed, purpose, cell, event))


def normals_of_all(seed: int, purpose: Purpose, cells: int) -> NDArray[np.float32]:
    """A standard normal for each cell of a chip: a stream, in a tenth of the time of draws."""
    values = np.empty(cells, np.float32)
    NormalStream(seed, purpose).read(0, values)
    return values


def draw_bits(
    seed: int,
    purpose: Purpose,
    cell: NDArray[np.integer],
    event: NDArray[np.integer] | int = 0,
) -> NDArray[np.uint64]:
    """64 random bits, one word per element of `cell` broadcast with `event`."""
    return further_bits(cell_bits(seed, purpose, cell), event)


def cell_bits(seed: int, purpose: Purpose, cell: NDArray[np.integer]) -> NDArray[np.uint64]:
    """What `further_bits` makes the bits of any event from: half of the work of a draw."""
    bits = cell.astype(np.uint64)
    bits *= _GOLDEN
    bits += _key(seed, purpose)
    return _mixed(bits)


def further_bits(bits: NDArray[np.uint64], step: NDArray[np.integer] | int) -> NDArray[np.uint64]:
    """Bits that follow from `bits` and the number `step`."""
    # An array of one: NumPy warns of scalars that overflow, never of arrays.
    steps = np.array(step, np.uint64, ndmin=1)
    steps *= _GOLDEN
    return _mixed(np.add(bits, steps, out=steps if steps.shape == bits.shape else None))


def normal_pair_of(
    bits: NDArray[np.uint64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two independent standard normals of each word, from either half; consumes its argument."""
    first = normal_of(bits)
    bits <<= np.uint64(32)
    return first, normal_of(bits)


def normal_of(bits: NDArray[np.uint64]) -> NDArray[np.float64]:
    """A standard normal of each word, from its upper half."""
    quarter = bits >> np.uint64(48)
    value = _half_normals(quarter).astype(np.float64)
    np.right_shift(bits, np.uint64(32), out=quarter)
    quarter &= np.uint64(0xFFFF)
    value += _half_normals(quarter)
    return value


def _half_normals(quarter: NDArray[np.uint64]) -> NDArray[np.float32]:
    # "wrap" because a range check takes longer than the look-up.
    found: NDArray[np.float32] = _HALF_NORMALS.take(quarter.view(np.int64), mode="wrap")
    return found


class CellBits:
    """`cell_bits` of all cells of a chip for one purpose, made once: 2 MB for 512 x 512."""

    def __init__(self, seed: int, purpose: Purpose, cells: int) -> None:
        self._key = seed, purpose
        self._count = cells

    def draw(
        self, cells: NDArray[np.int64], event: NDArray[np.integer] | int
    ) -> NDArray[np.uint64]:
        """What `draw_bits` draws."""
        return further_bits(self._bits[span(cells)], event)

    @cached_property
    def _bits(self) -> NDArray[np.uint64]:
        return cell_bits(*self._key, np.arange(self._count))


class NormalStream:
    """An endless sequence of standard normals (float32), read from any position on.

    It keeps the block that was read last, so that many short reads in a row cost one block.
    """

    def __init__(self, seed: int, purpose: Purpose, *key: int) -> None:
        words = _key(seed, purpose)
        with np.errstate(over="ignore"):
            for word in key:
                words = _mix(words * _GOLDEN + np.uint64(word))
        self._bits = np.random.PCG64DXSM(int(words))
        self._start: Any = self._bits.state
        self._following = 0
        """Block that the generator stands before: to set its state takes a sixth of a block."""
        self._cached = -1
        self._block = np.empty(0, np.float32)

    def read(self, position: int, out: NDArray[np.float32]) -> None:
        """Fill the flat array `out` with the elements from `position` on."""
        done = 0
        while done < out.size:
            block, start = divmod(position + done, _BLOCK)
            stop = min(_BLOCK, start + out.size - done)
            target = out[done : done + stop - start]
            if target.size == _BLOCK and block != self._cached:
                self._generate(block, target)
            else:
                target[:] = self._load(block)[start:stop]
            done += target.size

    def _load(self, block: int) -> NDArray[np.float32]:
        if block != self._cached:
            if not self._block.size:
                self._block = np.empty(_BLOCK, np.float32)
            self._generate(block, self._block)
            self._cached = block
        return self._block

    def _generate(self, block: int, out: NDArray[np.float32]) -> None:
        if block != self._following:
            self._bits.state = self._start
            self._bits.advance(block * (_BLOCK // 4))
        self._following = block + 1
        quarters = self._bits.random_raw(_BLOCK // 4).astype("<u8", copy=False).view("<u2")
        halves = np.empty(_BLOCK, np.float32)
        _HALF_NORMALS.take(quarters.astype(np.intp), out=halves, mode="wrap")
        first, second = halves[: _BLOCK // 2], halves[_BLOCK // 2 :]
        np.add(first, second, out=out[: _BLOCK // 2])
        np.subtract(first, second, out=out[_BLOCK // 2 :])


@lru_cache(maxsize=256)
def _key(seed: int, purpose: Purpose) -> np.uint64:
    with np.errstate(over="ignore"):
        low = _mix(np.uint64(seed & 0xFFFFFFFFFFFFFFFF) + _GOLDEN)
        high = np.uint64(seed >> 64 & 0xFFFFFFFFFFFFFFFF)
        return _mix((low ^ high) * _GOLDEN + np.uint64(purpose))


def _mix(bits: np.uint64) -> np.uint64:
    mixed: np.uint64 = _mixed(np.array(bits, np.uint64, ndmin=1))[0]
    return mixed


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64; consumes its argument."""
    shifted = bits >> np.uint64(30)
    bits ^= shifted
    bits *= _MIX_1
    bits ^= np.right_shift(bits, np.uint64(27), out=shifted)
    bits *= _MIX_2
    bits ^= np.right_shift(bits, np.uint64(31), out=shifted)
    return bits
