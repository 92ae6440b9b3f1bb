import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rgnn_hal_firmware import (
    Chip,
    ChipFileError,
    ChipStorageError,
    Preset,
    PresetError,
    PulseKind,
    Window,
    new_chip,
)
from rgnn_hal_firmware.chipfile import ChipFile

Pulse = Callable[..., None]
Formed = Callable[[Chip], Chip]
MakePreset = Callable[..., Preset]

REUSED_FOLDER = [HealthCheck.function_scoped_fixture]


def stored_cells(path: Path) -> Any:
    chip = Chip.stored(path, exact=True)
    try:
        return chip.read_conductance(chip.whole)
    finally:
        chip.close()


def test_a_chip_comes_back_as_it_was_left(tmp_path: Path, formed: Formed, pulse: Pulse) -> None:
    """Conductances, the next random events, noise streams and clock continue as if never closed."""
    window = Window(0, 40, 0, 30)
    v = np.random.default_rng(0).uniform(-0.2, 0.2, (5, 40))
    interrupted, continuous = tmp_path / "chip.h5", new_chip(seed=7)
    for step in range(3):
        chip = Chip.stored(interrupted, seed=7)
        for one in (chip, continuous):
            if step == 0:
                formed(one)
            one.apply(v, "rows", window)
        np.testing.assert_array_equal(chip.read(), continuous.read())
        for one in (chip, continuous):
            pulse(one, PulseKind.SET, 1.3, 2.0, window=window)
            one.wait(2.5)
        np.testing.assert_array_equal(
            chip.read_conductance(window), continuous.read_conductance(window)
        )
        assert chip.time == continuous.time
        chip.close()


def test_seed_and_preset_may_be_left_out_once_the_chip_exists(tmp_path: Path) -> None:
    Chip.stored(tmp_path / "chip.h5", seed=7).close()
    chip = Chip.stored(tmp_path / "chip.h5")
    assert (chip.seed, chip.preset.name) == (7, "chip40nm")
    chip.close()


def test_a_chip_keeps_the_parameters_it_was_made_from(
    tmp_path: Path, make_preset: MakePreset
) -> None:
    preset = make_preset(8, 8, {"forming.conductance_mean": 20e-6})
    file = ChipFile.open(tmp_path / "chip.h5", preset=None, seed=3)
    file.preset = preset
    Chip(preset, 3, file=file).close()
    chip = Chip.stored(tmp_path / "chip.h5", preset="chip40nm", seed=3)
    assert chip.preset == preset
    chip.close()


def test_the_same_chip_may_be_read_exactly_or_not(tmp_path: Path, formed: Formed) -> None:
    path = tmp_path / "chip.h5"
    formed(chip := Chip.stored(path, seed=7))
    chip.close()
    np.testing.assert_array_equal(
        stored_cells(path), formed(new_chip(seed=7, exact=True)).read_conductance(chip.whole)
    )


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [({"seed": 8}, r"with seed 7, not 8; ask for seed=7"), ({"preset": "other"}, "not other")],
)
def test_another_chip_in_the_file_is_refused(
    tmp_path: Path, asked: dict[str, Any], complaint: str
) -> None:
    path = tmp_path / "chip.h5"
    Chip.stored(path, seed=7).close()
    before = path.read_bytes()
    with pytest.raises(ChipFileError, match=complaint):
        Chip.stored(path, **asked)
    assert path.read_bytes() == before


def test_a_chip_of_a_preset_file_opens_again_by_the_same_path(tmp_path: Path) -> None:
    preset = tmp_path / "mine.toml"
    preset.write_text('base = "chip40nm"\nname = "measured"\n')
    Chip.stored(tmp_path / "chip.h5", preset=str(preset)).close()
    Chip.stored(tmp_path / "chip.h5", preset=str(preset)).close()
    with pytest.raises(ChipFileError, match="with preset measured, not chip40nm"):
        Chip.stored(tmp_path / "chip.h5", preset="chip40nm")


def test_a_new_chip_of_an_unknown_preset_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(PresetError):
        Chip.stored(tmp_path / "chip.h5", preset="other")
    assert list(tmp_path.iterdir()) == []


def test_only_the_chip_file_is_left_after_closing(tmp_path: Path) -> None:
    chip = Chip.stored(tmp_path / "chip.h5")
    chip.close()
    chip.close()
    assert [file.name for file in tmp_path.iterdir()] == ["chip.h5"]


def test_a_chip_file_is_ordinary_hdf5_of_a_few_megabytes(tmp_path: Path, formed: Formed) -> None:
    path = tmp_path / "chip.h5"
    formed(chip := Chip.stored(path)).close()
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["conductance"], stored_cells(path))
    assert path.stat().st_size < 8e6
    assert chip.seed == 0


# Damage. The file's own bytes decide, so a small chip shows the same as a large one.


@pytest.fixture(scope="module")
def small_file(tmp_path_factory: pytest.TempPathFactory, make_preset: MakePreset) -> bytes:
    path = tmp_path_factory.mktemp("small") / "chip.h5"
    file = ChipFile.open(path, preset=None, seed=3)
    file.preset = make_preset(6, 5)
    Chip(file.preset, 3, file=file).close()
    return path.read_bytes()


def opened_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        with pytest.raises(ChipFileError, match=r"chip\.h5"):
            Chip.stored(path)
    finally:
        assert path.read_bytes() == content
        assert not path.with_name("chip.h5.lock").exists()


@settings(suppress_health_check=REUSED_FOLDER, deadline=None)
@given(st.data())
def test_a_truncated_file_is_refused(
    tmp_path: Path, small_file: bytes, data: st.DataObject
) -> None:
    length = data.draw(st.integers(0, len(small_file) - 1))
    opened_bytes(tmp_path / "chip.h5", small_file[:length])


@settings(suppress_health_check=REUSED_FOLDER, deadline=None)
@given(st.data())
def test_any_flipped_bit_is_refused(tmp_path: Path, small_file: bytes, data: st.DataObject) -> None:
    header_text = small_file.index(b" ", small_file.index(b"sha256 ") + 8)
    places = st.one_of(
        st.integers(0, header_text - 1).filter(lambda i: small_file[i] not in b"\n"),
        st.integers(512, len(small_file) - 1),
    )
    damaged = bytearray(small_file)
    damaged[data.draw(places)] ^= 1 << data.draw(st.integers(0, 7))
    opened_bytes(tmp_path / "chip.h5", bytes(damaged))


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89HDF\r\n\x1a\n" + bytes(2000)])
def test_a_file_that_never_was_a_chip_is_refused(tmp_path: Path, content: bytes) -> None:
    opened_bytes(tmp_path / "chip.h5", content)


def test_a_foreign_hdf5_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chip.h5"
    with h5py.File(path, "w") as file:
        file["conductance"] = np.ones((3, 3))
    opened_bytes(path, path.read_bytes())


@pytest.mark.parametrize("other", [1, 3])
def test_a_file_of_another_format_is_refused(tmp_path: Path, small_file: bytes, other: int) -> None:
    content = small_file.replace(b"format 2\n", f"format {other}\n".encode())
    (tmp_path / "chip.h5").write_bytes(content)
    complaint = rf"format .*{other}.* reads 2; open it with the version"
    with pytest.raises(ChipFileError, match=complaint):
        Chip.stored(tmp_path / "chip.h5")


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "chip.h5").mkdir()
    with pytest.raises(ChipFileError, match="is a folder"):
        Chip.stored(tmp_path / "chip.h5")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ChipStorageError, match="folder must exist"):
        Chip.stored(tmp_path / "nowhere" / "chip.h5")


# Ownership.


def test_a_second_opener_is_told_who_owns_the_chip(tmp_path: Path) -> None:
    chip = Chip.stored(tmp_path / "chip.h5")
    with pytest.raises(ChipStorageError, match=rf"chip\.h5 is in use by process {os.getpid()};"):
        Chip.stored(tmp_path / "chip.h5")
    other = run_python("Chip.stored(PATH)", tmp_path / "chip.h5")
    _, complaint = other.communicate(timeout=60)
    assert other.returncode == 1
    assert f"in use by process {os.getpid()};" in complaint
    chip.close()
    Chip.stored(tmp_path / "chip.h5").close()


def test_a_link_to_an_owned_chip_is_owned_too(tmp_path: Path) -> None:
    chip = Chip.stored(tmp_path / "chip.h5")
    (tmp_path / "link.h5").symlink_to("chip.h5")
    with pytest.raises(ChipStorageError, match="in use"):
        Chip.stored(tmp_path / "link.h5")
    chip.close()


@pytest.mark.parametrize("delay", [0.0, 0.003, 0.011, 0.02])
def test_a_killed_owner_loses_nothing_that_was_committed(
    tmp_path: Path, formed: Formed, pulse: Pulse, delay: float
) -> None:
    path = tmp_path / "chip.h5"
    formed(chip := Chip.stored(path, seed=7)).close()
    owner = run_python(
        """
        chip, volts = Chip.stored(PATH), np.full((512, 512), 1.25)
        for done in range(1, 10_000):
            chip.pulse(PulseKind.SET, volts > 0, volts, volts * 1.6, 1e-6, 1, chip.whole)
            print(done, flush=True)
        """,
        path,
    )
    assert owner.stdout is not None
    for line in owner.stdout:
        if line == "3\n":
            break
    time.sleep(delay)
    owner.send_signal(signal.SIGKILL)
    committed = max([3, *(int(line) for line in owner.stdout if line.endswith("\n"))])
    owner.wait(60)
    owner.stdout.close()

    survived = stored_cells(path)
    replayed = formed(new_chip(seed=7, exact=True))
    pulse(replayed, PulseKind.SET, 1.25, 2.0, count=committed)
    if not np.array_equal(survived, replayed.read_conductance(chip.whole)):
        # The kill came between the commit and the word that it was done.
        pulse(replayed, PulseKind.SET, 1.25, 2.0)
        np.testing.assert_array_equal(survived, replayed.read_conductance(chip.whole))


def run_python(code: str, path: Path) -> "subprocess.Popen[str]":
    prelude = "import numpy as np\nfrom pathlib import Path\nfrom rgnn_hal_firmware import *\n"
    script = f"{prelude}PATH = Path({str(path)!r})\n{textwrap.dedent(code)}"
    quiet = subprocess.PIPE if "print" not in code else subprocess.DEVNULL
    return subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=quiet, text=True
    )


# Disks that refuse.


@pytest.mark.parametrize("step", ["fsync", "replace", "open"])
def test_a_full_disk_leaves_chip_and_file_as_they_were(
    tmp_path: Path, formed: Formed, pulse: Pulse, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "chip.h5"
    chip = formed(Chip.stored(path, seed=7))
    before, file_before, clock = chip.read_conductance(chip.whole), path.read_bytes(), chip.time

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os if step == "fsync" else Path, step, refuse)
        with pytest.raises(ChipStorageError, match=r"No space left.*repeat the call"):
            pulse(chip, PulseKind.RESET, 2.0, 2.6)
    assert path.read_bytes() == file_before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["chip.h5", "chip.h5.lock"]
    assert chip.time == clock

    pulse(chip, PulseKind.RESET, 2.0, 2.6)
    undisturbed = formed(new_chip(seed=7))
    undisturbed.read_conductance(chip.whole)
    pulse(undisturbed, PulseKind.RESET, 2.0, 2.6)
    np.testing.assert_array_equal(
        chip.read_conductance(chip.whole), undisturbed.read_conductance(chip.whole)
    )
    assert (before != chip.read_conductance(chip.whole)).any()
    chip.close()


def test_a_disk_that_refuses_on_closing_still_releases_the_chip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chip = Chip.stored(tmp_path / "chip.h5")
    chip.wait(1.0)

    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(ChipStorageError, match="Read-only"):
            chip.close()
    Chip.stored(tmp_path / "chip.h5").close()
