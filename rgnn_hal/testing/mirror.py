"""The mirror: a NumPy model that follows one open macro and is compared with it.

The model is the contract's equation. Its conductances are what the macro itself reads, because a
write is stochastic; its zero is what the macro senses without voltage. Everything that a macro is
asked through a mirror is checked against `Bounds` at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import Capability, Macro, MacroSpec, Region, Side
from rgnn_hal.macro.checks import FloatArray
from rgnn_hal.testing.bounds import Bounds
from rgnn_hal.testing.clause import ContractViolation, require

_REST = 1e6
"""s of chip time; in the minutes that follow, cells move by a millionth of what they have."""
_FEWEST = 4
"""Cells of a line that tell whether it was reached, and `_REACHED`, how many of them must tell."""
_REACHED = 0.25
_ROUNDING = 1e-4
"""Of a current; what its float32 sums may be off by, and more."""
_CURVATURE = 0.2
"""Of the current at half the read voltage; more is no property of cells, but a defect."""
_RELAXATION = 0.02
"""Of the window: how far cells move within a clause where they cannot be left to rest."""


@dataclass(frozen=True)
class Drive:
    """Voltages on the lines of one side of a region."""

    voltage: FloatArray
    """(batch, driven lines), V."""
    side: Side
    region: Region

    def __str__(self) -> str:
        v = self.voltage
        values = np.array2string(v, threshold=8, edgeitems=2, precision=4).replace("\n", "")
        return f"voltage={values} {v.dtype} of {v.shape}, side={self.side!r}, region={self.region}"


def sides(spec: MacroSpec) -> tuple[Side, ...]:
    """The sides that can be driven."""
    return ("rows", "cols") if Capability.TRANSPOSE in spec.capabilities else ("rows",)


class Mirror:
    """A macro and its model.

    Args:
        macro: what is mirrored.
        patch: cells whose conductances the model knows.
        gentle: leave the chip's clock alone, and let cells relax that others have pulsed.
    """

    def __init__(self, macro: Macro, patch: Region, *, gentle: bool = False) -> None:
        self.macro = macro
        self.gentle = gentle
        self.patch = patch
        self.bounds = Bounds(macro.spec)
        self.zero: dict[Side, FloatArray] = {side: self._zero(side) for side in sides(macro.spec)}
        """Currents at zero volts of all lines that are sensed when a side is driven, A."""
        if self.bounds.exact:
            self.bounds = Bounds(macro.spec, curved=self._curved())
        self.cells = np.zeros(patch.shape)
        """Conductances of the patch, S."""
        self.drive: Drive | None = None
        """What is latched; None: everything is grounded."""
        self.learn()

    def learn(self) -> None:
        """Take the cells as they are now read; grounds the lines.

        What was pulsed relaxes with the logarithm of time, so emulated chips are left to rest
        first; elsewhere `_RELAXATION` is what cells may move.
        """
        if not self.gentle and Capability.VIRTUAL_CLOCK in self.macro.spec.capabilities:
            self.macro.wait(_REST)
        self.cells = self._cells(self.bounds.reference_samples)
        self.drive = None

    @property
    def visible(self) -> float:
        """A change of conductance that noise does not make, S."""
        window = self.macro.spec.conductance
        bound = self.bounds.cell_bound(self.bounds.reference_samples)
        return bound + 1e-3 * (window.high - window.low)

    def require_reach(self, before: NDArray[np.float64], words: str) -> None:
        """Require that `words`, done to all cells of the patch, moved cells of all its lines."""
        moved = np.abs(self.cells - before) > self.visible
        for axis, name in ((1, "row"), (0, "column")):
            if moved.shape[axis] < _FEWEST:
                continue
            missed = np.flatnonzero(moved.mean(axis=axis) < _REACHED).tolist()
            require(
                not missed,
                f"{words} on all cells of {moved.shape[0]} x {moved.shape[1]} left "
                f"{name} {missed[:4]} (of the region) behind",
            )

    def require_target(self, target: NDArray[np.float64], words: str, most: float = 0.1) -> None:
        """Require that all but a share `most` of the cells are within a tenth of the window.

        Where reading is exact, writing is taken to be so too: no cell may be off.
        """
        window = self.macro.spec.conductance
        error = np.abs(self.cells - target)
        share = float((error > 0.1 * (window.high - window.low)).mean())
        require(
            share <= (0.0 if self.bounds.exact else most),
            f"{share:.0%} of the cells are off by more than a tenth of the window after {words}",
        )

    def same_cells(
        self,
        moved: NDArray[np.bool_] | None = None,
        *,
        told: NDArray[np.float64] | None = None,
    ) -> None:
        """Require that all cells but those of `moved` still read as the model has them.

        `told` is what the macro told already, with `bounds.reference_samples`; else it is asked.
        """
        samples = self.bounds.reference_samples
        measured, expected = self._cells(samples) if told is None else told, self.cells
        check_array(measured, self.patch.shape, np.dtype(np.float64), "read_conductance")
        self.drive = None
        if moved is not None:
            measured = np.where(moved, expected, measured)
        complaint = self.bounds.cells(measured, expected, samples, self._relaxation)
        require(complaint is None, f"a cell changed that nothing was done to: {complaint}")

    def read_cells(
        self, region: Region, samples: int = 1, mask: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """Read a part of the patch and compare it with the model; grounds the lines."""
        measured = self.macro.read_conductance(region, samples=samples, mask=mask)
        self.drive = None
        told = measured
        expected = self.cells[self._within(region)]
        if mask is not None and getattr(measured, "shape", None) == mask.shape:
            extra = int(np.isfinite(measured[~mask]).sum())
            require(not extra, f"a masked read told {extra} cells that it was not asked for")
            told = np.copy(measured)
            told[~mask] = expected[~mask]
        check_array(told, region.shape, np.dtype(np.float64), "read_conductance")
        complaint = self.bounds.cells(told, expected, samples, self._relaxation)
        require(complaint is None, f"read_conductance({region}): {complaint}")
        return measured

    def apply(self, drive: Drive) -> None:
        """Latch a drive."""
        self.macro.apply(drive.voltage, side=drive.side, region=drive.region)
        self.drive = drive

    def multiply(self, drive: Drive, samples: int = 1) -> FloatArray:
        """Apply and read in one, compared with the model."""
        current = self.macro.multiply(
            drive.voltage, side=drive.side, region=drive.region, samples=samples
        )
        self.drive = drive
        self.compare(current, samples, "multiply")
        return current

    def read(self, samples: int = 1) -> FloatArray:
        """Sense what is latched, compared with the model."""
        current = self.macro.read(samples)
        self.compare(current, samples, "read")
        return current

    def compare(self, current: FloatArray, samples: int, verb: str) -> None:
        """Require that `current` is what the model has for the drive that is latched."""
        drive = self.drive
        if drive is None:
            self._grounded(current, samples, verb)
            return
        cells, zero = self._crossing(drive)
        voltage = drive.voltage
        shape = voltage.shape[0], cells.shape[1]
        check_array(current, shape, voltage.dtype, verb)
        expected = voltage.astype(np.float64) @ cells + zero
        complaint = self.bounds.currents(
            current, expected, voltage, cells, samples, self._relaxation
        )
        require(complaint is None, f"{verb} with {drive}: {complaint}")

    def _grounded(self, current: FloatArray, samples: int, verb: str) -> None:
        spec, zero = self.macro.spec, self.zero["rows"].astype(np.float64)
        if getattr(current, "shape", None) != (1, spec.cols):
            raise ContractViolation(
                f"{verb} of grounded lines has shape {getattr(current, 'shape', None)}; "
                f"it must sense one vector of zero volts on all {spec.cols} columns"
            )
        check_array(current, (1, spec.cols), np.dtype(np.float64), f"{verb} of grounded lines")
        silent = np.zeros((1, 1))
        complaint = self.bounds.currents(
            current, zero[None, :], silent, np.zeros((1, spec.cols)), samples
        )
        require(complaint is None, f"{verb} of lines that must be grounded: {complaint}")

    @property
    def _relaxation(self) -> float:
        """How far a cell may move by itself within a clause, S."""
        emulated = Capability.VIRTUAL_CLOCK in self.macro.spec.capabilities
        still = not self.gentle if emulated else self.bounds.exact
        return 0.0 if still else _RELAXATION * self.macro.spec.conductance.high

    def _crossing(self, drive: Drive) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        cells = self.cells[self._within(drive.region)]
        lines = drive.region.slices[1 if drive.side == "rows" else 0]
        zero = self.zero[drive.side][lines].astype(np.float64)
        return (cells if drive.side == "rows" else cells.T), zero

    def _cells(self, samples: int) -> NDArray[np.float64]:
        cells = self.macro.read_conductance(self.patch, samples=samples)
        check_array(cells, self.patch.shape, np.dtype(np.float64), "read_conductance")
        return cells.copy()

    def _zero(self, side: Side) -> FloatArray:
        spec = self.macro.spec
        silent = np.zeros((1, spec.rows if side == "rows" else spec.cols))
        self.macro.apply(silent, side=side)
        zero = self.macro.read(self.bounds.reference_samples)
        sensed = spec.cols if side == "rows" else spec.rows
        check_array(zero, (1, sensed), silent.dtype, f"read of zero volts on {side}")
        self.macro.safe()
        offset: FloatArray = zero[0].copy()
        return offset

    def _curved(self) -> bool:
        """Whether half of the voltage drives a little less, or more, than half of the current."""
        full = np.full((1, self.patch.shape[0]), self.macro.spec.read_voltage.high)
        zero = self.zero["rows"][self.patch.slices[1]]
        whole, half = (self.macro.multiply(v, region=self.patch) - zero for v in (full, full / 2))
        self.macro.safe()
        lack = np.abs(2 * half - whole) / np.maximum(np.abs(whole), np.finfo(np.float32).tiny)
        return _ROUNDING < float(np.median(lack)) < _CURVATURE

    def _within(self, region: Region) -> tuple[slice, slice]:
        row, col = self.patch.row_start, self.patch.col_start
        return (
            slice(region.row_start - row, region.row_stop - row),
            slice(region.col_start - col, region.col_stop - col),
        )


def check_array(
    value: object, shape: tuple[int, ...], dtype: np.dtype[np.generic], verb: str
) -> None:
    """Require a finite C-contiguous array of the shape and type that the contract promises."""
    if not isinstance(value, np.ndarray) or value.shape != shape or value.dtype != dtype:
        what = f"{value.dtype} of {value.shape}" if isinstance(value, np.ndarray) else repr(value)
        raise ContractViolation(f"{verb} returned {what}; it must be {dtype} of {shape}")
    require(value.flags.c_contiguous, f"{verb} returned an array that is not C-contiguous")
    require(np.isfinite(value).all(), f"{verb} returned a value that is not finite")
