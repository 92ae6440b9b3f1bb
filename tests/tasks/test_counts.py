"""An artefact says what its inference and its training took, and that is what a hand counts."""

from pathlib import Path

import pytest
import torch
from ase.io import read, write

from rgnn_hal import open_macro
from rgnn_hal.macro import DataError
from rgnn_hal.tasks.counts import Counts
from rgnn_hal.tasks.forces import ForcesRecipe, load_model, save_model, train_forces
from rgnn_hal.tasks.hamiltonian import HamiltonianRecipe, train_hamiltonian
from rgnn_hal.tasks.models import workload_of
from rgnn_hal.tasks.workload import timed

EXAMPLES = Path(__file__).parents[2] / "examples" / "data"
URI = "emulator://?seed=3&exact=true"
RECIPE = ForcesRecipe(channels=8, cutoff=4.0, lmax=2, radial=6, reads=4, valid_fraction=0.25)
FRAMES = 8


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "frames.extxyz"
    write(path, read(EXAMPLES / "li3po4_train.extxyz", f":{FRAMES}"), format="extxyz")
    return path


@pytest.fixture(scope="module")
def folder(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model"
    with open_macro(URI) as macro:
        save_model(train_forces(data, macro, RECIPE, macro_uri=URI).model, path)
    return path


def test_an_inference_sends_every_component_of_every_atom_through_the_macro_once(
    folder: Path,
) -> None:
    counts = Counts.of_record(load_model(folder).record)
    atoms, inputs, channels = len(counts.structure), 3 * RECIPE.radial, RECIPE.width(3, (512, 512))
    products = atoms * (RECIPE.lmax + 1) ** 2
    analog = counts.inference.analog
    assert analog.products == products
    assert analog.multiplications == products * inputs * channels
    assert analog.samples == products * RECIPE.reads
    assert analog.conversions == products * RECIPE.reads * 2 * channels  # pairs of cells
    assert (analog.pulses, analog.cell_reads) == (0, 0)
    assert counts.inference.digital.macs > 0


def test_training_counts_all_frames_forming_and_solving(folder: Path) -> None:
    model = load_model(folder)
    counts = Counts.of_record(model.record)
    one, all_ = counts.inference, counts.training
    # Every frame once, and the validation frames again; all have as many atoms.
    assert all_.analog.products == one.analog.products * (FRAMES + FRAMES // 4)
    assert all_.analog.pulses > 0 and all_.analog.cell_reads > all_.analog.pulses
    columns = len(model.readout)
    rows = FRAMES * (1 + 3 * len(counts.structure))
    gram = rows * columns * (columns + 1) // 2 + rows * columns
    assert all_.digital.macs > gram + columns**3 // 6


@pytest.mark.slow
def test_workers_do_the_same_work(data: Path, folder: Path) -> None:
    pytest.importorskip("distributed", reason="the extra `scale` is not installed")
    with open_macro(URI) as macro:
        model = train_forces(data, macro, RECIPE, macro_uri=URI, workers=2).model
    two = Counts.of_record(model.record).training
    one = Counts.of_record(load_model(folder).record).training
    assert two.analog == one.analog
    # Two workers add their Gram matrices up, which are sums of elements; products are the same,
    # but for a solve more or less where rounding decides.
    assert two.digital.macs == pytest.approx(one.digital.macs, rel=0.05)


def test_the_twin_repeats_the_inference_digitally(folder: Path) -> None:
    workload = workload_of(folder)
    torch.set_num_threads(1)
    measured = timed(workload)
    assert measured.operations.macs == workload.work.all_digital.macs
    assert measured.seconds > 0


def test_a_model_without_counts_says_what_to_do(folder: Path) -> None:
    record = {k: v for k, v in load_model(folder).record.items() if k != "counts"}
    with pytest.raises(DataError, match="train it again"):
        Counts.of_record(record)


def test_a_hamiltonian_counts_as_well() -> None:
    with open_macro(URI) as macro:
        recipe = HamiltonianRecipe(channels=4, reads=2)
        result = train_hamiltonian(EXAMPLES / "water_def2svp.h5", macro, recipe, macro_uri=URI)
    counts = Counts.of_record(result.model.record)
    frames = result.model.record["data"]["frames"]
    assert counts.training.analog.products == frames * counts.inference.analog.products
    assert counts.inference.analog.samples == 2 * counts.inference.analog.products
    assert counts.training.digital.macs > frames * counts.inference.digital.macs
