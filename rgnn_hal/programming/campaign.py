"""Campaigns: writing a macro so that it can be interrupted anywhere and goes on where it was.

Kill the program, the server or the cable between any two instructions, call again with the same
folder, and the rest is written. What a resumed campaign relies on:

- Of a pulse that was under way nothing is known. It is counted as given (the journal has it before
  the chip), its cell is read again, and the amplitude is repeated, not raised: an interruption
  costs a cell at most one pulse more, and none that is harsher than was due.
- A cell is finished when its reading was within the guard band *and* that reading is on the disk.
  It is not pulsed again, whatever it reads later: what drifted out of the tolerance since is seen
  in the final map and reported. `reverify` takes such cells up again.
- Cells that were given up (stuck, or out of pulses) stay given up.

What cannot be seen is a chip put back to an older state (a copy of its file, a server whose chip
lives in memory alone): the identity is the same. The final map shows it, and `reverify` mends it.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rgnn_hal.macro import (
    Capability,
    ConfigurationError,
    Macro,
    NotSupportedError,
    PulseKind,
    Region,
)
from rgnn_hal.macro.checks import check_conductance, check_region
from rgnn_hal.programming.campaign_file import CampaignFile, Plan, Standing, journal_in
from rgnn_hal.programming.forming import form
from rgnn_hal.programming.pulse_train import PulseTrain
from rgnn_hal.programming.write_verify import (
    MAX_PULSES,
    ProgrammingReport,
    check_tolerance,
    default_samples,
    write_verify,
)
from rgnn_hal.progress import Progress, silent
from rgnn_hal.wrappers import Journal, Lent


@dataclass(frozen=True)
class CampaignReport:
    """How a campaign stands at the end of a call."""

    programming: ProgrammingReport
    """Over all calls, but `chip_seconds`; pulses are never fewer than were given."""
    finished_before: int
    """Cells that were finished when this call began."""
    drifted: NDArray[np.bool_]
    """Finished cells that the final map shows outside of the tolerance."""
    reopened: int
    """Drifted cells that this call took up again."""
    calls: int
    """This call included."""


def run_campaign(
    macro: Macro,
    target: ArrayLike,
    folder: str | Path,
    region: Region | None = None,
    *,
    tolerance: float | None = None,
    train: PulseTrain | None = None,
    reverify: bool = False,
    progress: Progress = silent,
) -> CampaignReport:
    """Form and write `region` to `target`, S, or go on with the campaign that `folder` holds.

    Pulses are the library's even where hardware has a closed loop of its own: only then it is known
    which cells are finished.

    Args:
        macro: chip to write; open it anew after a lost connection, at any address.
        target: (region's rows, columns), S, within `macro.spec.conductance`.
        folder: made where it is missing. One campaign at a time may use it.
        region: cells; the whole macro by default.
        tolerance: largest accepted deviation, S. By default the campaign's, and 1/40 of the
            conductance window for a new one.
        train: pulses to use. By default the campaign's, and the macro's whole envelope for a new
            one.
        reverify: write cells again that were finished and have drifted out of the tolerance.
        progress: as for `form` and `write_verify`.

    Raises:
        ConfigurationError: the folder holds a campaign for another chip, or with other targets,
            region, tolerance or train; it cannot be made or written to.
        DataError: the folder's files are not those of a campaign.
        LimitError, NotSupportedError: as `program`; or the chip forgets when it is closed.
        DeviceError, TransportError: the chip failed, the disk is full, or another process works on
            this campaign. Call again when the cause is removed.
    """
    region = check_region(macro.spec, region)
    goal = check_conductance(macro.spec, target, region).astype(np.float64, copy=False)
    if tolerance is not None:
        check_tolerance(macro.spec, tolerance)
    if Capability.PERSISTENT not in macro.spec.capabilities:
        raise NotSupportedError(
            f"macro {macro.spec.identity} forgets its conductances when it is closed: no campaign "
            "could go on; give an emulated chip a file (state=chip.h5), or use program"
        )
    folder = Path(folder)
    fresh = _new_plan(macro, region, goal, tolerance, train)
    with macro.lock, CampaignFile(folder) as file:
        standing = file.standing or file.begin(fresh)
        plan = standing.plan
        asked = replace(
            fresh,
            tolerance=plan.tolerance if tolerance is None else tolerance,
            train=train or plan.train,
        )
        if differences := plan.differences(asked):
            raise ConfigurationError(
                f"{folder} holds a campaign with {'; '.join(differences)}; "
                "repeat that one, or name another folder"
            )
        with Journal(Lent(macro), journal_in(folder)) as journal:
            try:
                return _go_on(journal, file, standing, reverify, progress)
            except BaseException as error:
                done, cells = int(standing.cells.finished.sum()), region.cells
                error.add_note(
                    f"{folder} keeps {done} of {cells} finished cells; call again to go on"
                )
                raise


def _new_plan(
    macro: Macro,
    region: Region,
    target: NDArray[np.float64],
    tolerance: float | None,
    train: PulseTrain | None,
) -> Plan:
    train = train or PulseTrain.within(macro.spec)
    train.check(macro.spec)
    return Plan(
        identity=macro.spec.identity,
        region=region,
        target=target,
        tolerance=check_tolerance(macro.spec, tolerance),
        train=train,
        max_pulses=MAX_PULSES,
        samples=default_samples(macro.spec),
    )


def _go_on(
    journal: Journal, file: CampaignFile, standing: Standing, reverify: bool, progress: Progress
) -> CampaignReport:
    file.open()
    region, cells = standing.plan.region, standing.cells
    finished_before = int(cells.finished.sum())
    if not standing.formed and PulseKind.FORM in journal.spec.pulses:
        form(journal, region, progress=progress)
        file.formed()
        standing.formed = True
    report = _write(journal, file, standing, progress)
    drifted = _drifted(standing, report)
    reopened = int(drifted.sum()) if reverify else 0
    if reopened:
        file.reopened(drifted)
        cells.reopen(drifted)
        report = _write(journal, file, standing, progress)
        drifted = _drifted(standing, report)
    wear = journal.pulses
    pulses = sum(
        wear[kind][region.slices] for kind in (PulseKind.SET, PulseKind.RESET) if kind in wear
    )
    return CampaignReport(
        programming=replace(report, pulses=np.broadcast_to(pulses, region.shape).astype(np.int32)),
        finished_before=finished_before,
        drifted=drifted,
        reopened=reopened,
        calls=standing.calls + 1,
    )


def _write(
    journal: Journal, file: CampaignFile, standing: Standing, progress: Progress
) -> ProgrammingReport:
    plan = standing.plan
    return write_verify(
        journal,
        plan.target,
        plan.region,
        tolerance=plan.tolerance,
        train=plan.train,
        max_pulses=plan.max_pulses,
        samples=plan.samples,
        cells=standing.cells,
        witness=file.reading,
        progress=progress,
    )


def _drifted(standing: Standing, report: ProgrammingReport) -> NDArray[np.bool_]:
    outside: NDArray[np.bool_] = np.abs(report.error) > report.tolerance
    return standing.cells.finished & outside
