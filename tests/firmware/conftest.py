import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rgnn_hal_firmware import Chip, Preset, PulseKind, Window, load_preset

Pulse = Callable[..., None]
MakePreset = Callable[..., Preset]
Formed = Callable[[Chip], Chip]


@pytest.fixture(scope="session")
def real_chip() -> Path:
    """Conductances of the real chip."""
    folder = Path(__file__).parents[2].parent / "shared" / "data" / "chip40nm"
    if not folder.is_dir():
        pytest.skip(f"the real chip's public conductances are not at {folder}")
    return folder


@pytest.fixture(scope="session")
def make_preset() -> MakePreset:
    """chip40nm in another size, or with parameters replaced: `{"telegraph.cell_fraction": 0}`."""

    def make(rows: int = 64, cols: int = 64, replaced: dict[str, Any] | None = None) -> Preset:
        document = json.loads(load_preset("chip40nm").document)
        values = {"array.rows": rows, "array.cols": cols, **(replaced or {})}
        for name, value in values.items():
            section, key = name.split(".")
            document[section][key]["value"] = value
        return Preset.from_document(document)

    return make


@pytest.fixture(scope="session")
def pulse() -> Pulse:
    """Pulse a chip with scalars where the firmware wants arrays."""

    def act(
        chip: Chip,
        kind: PulseKind,
        voltage: float | NDArray[np.float64],
        gate: float | NDArray[np.float64],
        *,
        mask: NDArray[np.bool_] | None = None,
        width: float = 1e-6,
        count: int = 1,
        window: Window | None = None,
    ) -> None:
        window = window or chip.whole
        mask = np.ones(window.shape, np.bool_) if mask is None else mask
        amplitude = np.broadcast_to(np.asarray(voltage, np.float64), window.shape)
        gates = np.broadcast_to(np.asarray(gate, np.float64), window.shape)
        chip.pulse(kind, mask, amplitude, gates, width, count, window)

    return act


@pytest.fixture(scope="session")
def formed(pulse: Pulse) -> Formed:
    """Form every cell of a chip at the nominal gate."""

    def form(chip: Chip) -> Chip:
        pulse(chip, PulseKind.FORM, 4.0, 1.65, width=1e-3)
        return chip

    return form
