"""Putting conductances into cells: forming pristine cells, then closed-loop writing.

`program` does both; `run_campaign` does it so that it can be interrupted anywhere.
"""

from rgnn_hal.programming.campaign import CampaignReport, run_campaign
from rgnn_hal.programming.campaign_file import CampaignReading, read_campaign
from rgnn_hal.programming.cells import CellStatus
from rgnn_hal.programming.forming import FormingRamp, FormingReport, form
from rgnn_hal.programming.program import program
from rgnn_hal.programming.pulse_train import PulseTrain
from rgnn_hal.programming.write_verify import ProgrammingReport, write_verify

__all__ = [
    "CampaignReading",
    "CampaignReport",
    "CellStatus",
    "FormingRamp",
    "FormingReport",
    "ProgrammingReport",
    "PulseTrain",
    "form",
    "program",
    "read_campaign",
    "run_campaign",
    "write_verify",
]
