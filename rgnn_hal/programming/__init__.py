"""Putting conductances into cells: forming pristine cells, then closed-loop writing."""

from rgnn_hal.programming.forming import FormingRamp, FormingReport, form
from rgnn_hal.programming.program import program
from rgnn_hal.programming.pulse_train import PulseTrain
from rgnn_hal.programming.write_verify import CellStatus, ProgrammingReport, write_verify

__all__ = [
    "CellStatus",
    "FormingRamp",
    "FormingReport",
    "ProgrammingReport",
    "PulseTrain",
    "form",
    "program",
    "write_verify",
]
