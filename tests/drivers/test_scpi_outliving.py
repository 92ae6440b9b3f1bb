"""What outlives what behind a controller: cells a session, and with a file the server too."""

import json
from pathlib import Path

import numpy as np
import pytest

from rgnn_hal.macro import Capability, ConfigurationError, PulseKind, open_macro, serve_macro
from rgnn_hal.programming import form
from rgnn_hal.reservoir.frozen import freeze
from rgnn_hal_firmware import Chip
from rgnn_hal_firmware.parameters import load_preset
from rgnn_hal_firmware.scpi import ScpiServer
from rgnn_hal_firmware.scpi.identity import Identity

SHAPES = [(6, 4)]


def test_weights_of_one_session_are_there_for_the_next_without_a_pulse(
    uri: str, chip: Chip
) -> None:
    with open_macro(uri) as macro:
        assert Capability.PERSISTENT in macro.spec.capabilities
        weights = freeze(macro, SHAPES, seed=3)
    pulses = chip._state.pulses.copy()
    with open_macro(uri) as macro:
        (matrix,) = weights.thaw(macro)
        assert matrix.shape == SHAPES[0]
    np.testing.assert_array_equal(chip._state.pulses, pulses)


def test_weights_that_another_session_spoiled_are_refused_and_not_formed_again(
    uri: str, chip: Chip
) -> None:
    with open_macro(uri) as macro:
        weights = freeze(macro, SHAPES, seed=3)
    with open_macro(uri) as macro:
        every = np.ones(chip.whole.shape, np.bool_)
        macro.pulse(PulseKind.RESET, every, voltage=2.4, gate_voltage=3.0, width=1e-4, count=5)
    pulses = chip._state.pulses.copy()
    with (
        open_macro(uri) as macro,
        pytest.raises(ConfigurationError, match="does not hold these weights"),
    ):
        weights.thaw(macro)
    np.testing.assert_array_equal(chip._state.pulses, pulses)


def test_weights_that_went_with_their_server_come_back_by_the_command_that_the_refusal_names(
    preset: Path,
) -> None:
    def served() -> ScpiServer:
        return ScpiServer(Chip(load_preset(str(preset)), 7))

    with served() as server, open_macro("scpi://{}:{}".format(*server.address)) as macro:
        weights = freeze(macro, SHAPES, seed=3)
    with served() as server, open_macro("scpi://{}:{}".format(*server.address)) as macro:
        command = f"form URI --region {weights.region} --fraction 0.5 --seed 3"
        with pytest.raises(ConfigurationError, match=command):
            weights.thaw(macro)
        form(macro, weights.region, fraction=0.5, seed=3)
        (matrix,) = weights.thaw(macro)
        assert matrix.shape == SHAPES[0]


def test_a_controller_says_whether_cells_outlive_it(tmp_path: Path, preset: Path) -> None:
    for query, kept in (("", False), (f"&state={tmp_path / 'chip.h5'}", True)):
        with serve_macro(f"emulator://?preset={preset}{query}", port=0) as served:
            assert served.nonvolatile is kept
    for chip, kept in (
        (Chip(load_preset(str(preset)), 7), False),
        (Chip.stored(tmp_path / "another.h5", preset=str(preset), seed=7), True),
    ):
        assert json.loads(Identity.of(chip, 0.0).capability)["nonvolatile"] is kept
        chip.close()
