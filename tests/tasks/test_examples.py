"""A store gives what the file holds, keeps what it has room for and no more."""

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from ase.io import read, write

from rgnn_hal.structures import FilePart, LabelledFrame, build_graph, file_parts, read_frames
from rgnn_hal.tasks.forces import examples
from rgnn_hal.tasks.forces.examples import Example, ExampleStore

ELEMENTS = (3, 8, 15)
FRAMES = 12
EXAMPLES = Path(__file__).parents[2] / "examples" / "data"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "frames.extxyz"
    write(path, read(EXAMPLES / "li3po4_train.extxyz", f":{FRAMES}"), format="extxyz")
    return path


class Maker:
    """Counts what it makes."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, frame: LabelledFrame) -> Example:
        self.made += 1
        return Example(build_graph(frame.atoms, ELEMENTS, 4.0), frame.energy, frame.forces)


def energies(store: ExampleStore, data: Path, parts: list[FilePart], make: Maker) -> list[float]:
    return [one.energy for part in parts for one in store.of(data, part, make)]


def test_frames_come_in_order_and_are_read_once(data: Path) -> None:
    parts, store, make = file_parts(data, 64), ExampleStore(), Maker()
    assert len(parts) > 2
    expected = [frame.energy for frame in read_frames(data)]
    for _ in range(3):
        assert energies(store, data, parts, make) == expected
    assert make.made == FRAMES


def test_what_there_is_no_room_for_is_read_again(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, store, make = file_parts(data, 64), ExampleStore(), Maker()
    size = sum(one.bytes for one in ExampleStore().of(data, parts[0], Maker()))
    monkeypatch.setattr(examples, "_STORE_BYTES", size)
    expected = [frame.energy for frame in read_frames(data)]
    for passes in (1, 2, 3):
        assert energies(store, data, parts, make) == expected
        assert make.made == FRAMES * passes - parts[0].frames * (passes - 1)


def test_threads_share_a_store_and_copies_start_empty(data: Path) -> None:
    parts, store = file_parts(data, 64), ExampleStore()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: energies(store, data, parts, Maker()), range(8)))
    assert all(one == found[0] for one in found)
    again, make = Maker(), Maker()
    assert energies(store, data, parts, again) == found[0]
    assert again.made == 0
    copy = deepcopy(store)
    assert energies(copy, data, parts, make) == found[0]
    assert make.made == FRAMES


def test_forces_are_those_of_the_file(data: Path) -> None:
    (part,) = file_parts(data, 10**6)
    for frame, one in zip(read_frames(data), ExampleStore().of(data, part, Maker()), strict=True):
        np.testing.assert_array_equal(one.forces, frame.forces)
