"""Forming and writing the emulated chip, at full size and in seconds."""

from collections.abc import Iterator

import numpy as np
import pytest

from rgnn_hal.macro import Macro, Region, open_macro
from rgnn_hal.programming import CellStatus, form, program, write_verify

URI = "emulator://?seed=1"


@pytest.fixture
def chip() -> Iterator[Macro]:
    with open_macro(URI) as macro:
        yield macro


def test_forming_leaves_the_published_conductances_and_few_cells_behind(chip: Macro) -> None:
    report = form(chip, Region(0, 256, 0, 256))
    assert report.formed_fraction > 0.99
    assert 3.0 < np.nanmean(report.breakdown_voltage) < 3.6
    formed = report.conductance[report.formed]
    # The paper's cells vary by 0.15 of their mean; the middle half is free of stuck cells.
    quarter, half, three_quarters = np.quantile(formed, [0.25, 0.5, 0.75])
    assert (three_quarters - quarter) / 1.349 / half == pytest.approx(0.15, abs=0.02)
    assert report.chip_seconds > 0


def test_a_formed_fraction_is_what_was_asked_for(chip: Macro) -> None:
    report = form(chip, Region(0, 128, 0, 128), fraction=0.5, seed=3)
    assert report.formed_fraction == pytest.approx(0.5, abs=0.03)
    again = form(chip, Region(0, 128, 0, 128), fraction=0.5, seed=3)
    assert again.formed_fraction == pytest.approx(report.formed_fraction, abs=1e-3)


def test_a_full_random_image_is_written(chip: Macro) -> None:
    window = chip.spec.conductance
    target = np.random.default_rng(0).uniform(window.low, window.high, (512, 512))
    report = program(chip, target)
    healthy = report.status != CellStatus.STUCK
    assert healthy.mean() > 0.99
    within = np.abs(report.error) <= report.tolerance
    assert within[healthy].mean() >= 0.98
    assert report.success_fraction >= 0.98
    assert report.mean_pulses < 15

    # An independent look: one ordinary read, through which nobody chose what to report.
    reading = chip.read_conductance(samples=16)
    assert (np.abs(reading - target) <= report.tolerance)[healthy].mean() >= 0.97


def test_writing_the_same_image_again_touches_few_cells(chip: Macro) -> None:
    region = Region(0, 128, 0, 128)
    target = np.random.default_rng(0).uniform(1e-6, 40e-6, (128, 128))
    first = program(chip, target, region)
    second = write_verify(chip, target, region)
    assert (second.pulses > 0).mean() < 0.3
    assert second.success_fraction >= first.success_fraction - 0.01


def test_the_same_chip_and_the_same_calls_give_the_same_report() -> None:
    reports = []
    for _ in range(2):
        with open_macro(URI) as macro:
            reports.append(program(macro, np.full((64, 64), 20e-6), Region(0, 64, 0, 64)))
    assert np.array_equal(reports[0].conductance, reports[1].conductance)
    assert np.array_equal(reports[0].pulses, reports[1].pulses)
    assert reports[0].chip_seconds == reports[1].chip_seconds
