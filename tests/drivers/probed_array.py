"""A simulated bench for tests of `smu-matrix://`: the example's file, adapted to what is served."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rgnn_hal.macro import Macro, open_macro
from rgnn_hal_firmware import Chip
from rgnn_hal_firmware import PulseKind as ChipPulseKind
from rgnn_hal_firmware.tsp import Disconnect, ServedBench

EXAMPLE = (Path(__file__).parents[2] / "examples/smu_matrix_bench.toml").read_text()


AMMETER = 30e-9
"""A: 25 nA of accuracy on 100 uA, 0.02 % of some uA, and 3.4 nA rms of noise at 0.1 NPLC."""


def form(chip: Chip) -> None:
    """Form all cells, and reset some."""
    every = np.ones(chip.whole.shape, np.bool_)
    some = np.random.default_rng(1).random(chip.whole.shape) < 0.4
    for kind, mask, volts in (
        (ChipPulseKind.FORM, every, 4.0),
        (ChipPulseKind.RESET, some, 2.0),
    ):
        level, gate = np.full(mask.shape, volts), np.full(mask.shape, 1.65)
        chip.pulse(kind, mask, level, gate, 1e-3, 1, chip.whole)


def cells(served: ServedBench) -> NDArray[np.float64]:
    """What they are, S."""
    chip = served.bench.array.chip
    return chip.read_conductance(chip.whole)


def write_config(
    served: ServedBench,
    folder: Path,
    *,
    linked: bool = True,
    edits: dict[str, str] | None = None,
) -> str:
    """The URI of a file that fits the bench; `edits` replaces text of the example's."""
    rows, cols = served.bench.array.shape
    text = EXAMPLE
    for name, lines in (("rows", rows), ("cols", cols)):
        text = text.replace(f"\n{name} = 8\n", f"\n{name} = {lines}\n")
    for name, columns in served.bench.wiring.items():
        told = [column.removeprefix("matrix:") for column in columns]
        text = re.sub(rf"\n{name} = \[[^\]]*\]", f"\n{name} = {told}", text)
    mainframes = "".join(
        f'[instruments.{name}]\nmodel = "707B"\nserial = "{one.serial}"\nnode = {one.node}\n\n'
        for name, one in served.bench.matrices.items()
    )
    text = re.sub(r"\[instruments\.matrix\][^\[]*", mainframes, text)
    if not linked:
        text = re.sub(r"\nnode = \d", '\nresource = "elsewhere"', text)
    text = served.adapt(text)
    for old, new in (edits or {}).items():
        assert old in text, f"{old!r} is not in the example"
        text = text.replace(old, new)
    path = folder / "bench.toml"
    path.write_text(text)
    return f"smu-matrix://?config={path}"


def open_bench(
    served: ServedBench,
    folder: Path,
    *,
    linked: bool = True,
    edits: dict[str, str] | None = None,
) -> Macro:
    return open_macro(write_config(served, folder, linked=linked, edits=edits))


def disconnect_at(served: ServedBench, text: str, *, times: int = 1) -> None:
    """Pull the cable when a line with `text` arrives."""
    left = [times]

    def hook(name: str, line: str) -> None:
        if text in line and left[0]:
            left[0] -= 1
            raise Disconnect

    served.hook = hook


def report_error_at(served: ServedBench, text: str) -> None:
    """Let the instrument complain once, when a line with `text` arrives."""
    left = [1]

    def hook(name: str, line: str) -> None:
        if text in line and left[0]:
            left[0] = 0
            errors = served.bench.instruments[name].controller.errors
            errors.add(802, "OUTPUT blocked by output enable")

    served.hook = hook


def count_lines(served: ServedBench, text: str) -> Callable[[], int]:
    """How many lines with `text` arrive from now on."""
    seen = [0]

    def hook(name: str, line: str) -> None:
        seen[0] += text in line

    served.hook = hook
    return lambda: seen[0]
