"""Kill a process that programs a chip, call it again, and see it go on where it was.

Run: python examples/campaign.py
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from rgnn_hal import Region, open_macro
from rgnn_hal.programming import CampaignReport, read_campaign, run_campaign
from rgnn_hal.progress import Progress, silent

REGION = Region(0, 32, 0, 32)
TARGET = np.random.default_rng(0).uniform(60e-6, 200e-6, REGION.shape)


def main() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        kill_half_way(folder)
        before = read_campaign(folder / "campaign")
        print(f"killed with {before.finished.sum()} of {REGION.cells} cells finished")
        report = write(folder)
        after = read_campaign(folder / "campaign")
    again = np.add(*(after.pulses[kind] - before.pulses[kind] for kind in ("set", "reset")))
    print(
        f"resumed: {report.programming.success_fraction:.1%} within "
        f"±{report.programming.tolerance * 1e6:.2f} µS, {again[before.finished].sum()} pulses to "
        f"cells that were finished, {again[~before.finished].sum()} to the others"
    )


def write(folder: Path, progress: Progress = silent) -> CampaignReport:
    """Begin the campaign, or go on with it."""
    with open_macro(f"emulator://?seed=7&preset=milo&state={folder / 'chip.h5'}") as macro:
        return run_campaign(macro, TARGET, folder / "campaign", REGION, progress=progress)


def tell(done: int, total: int, label: str) -> None:
    print(label, done, flush=True)


def kill_half_way(folder: Path) -> None:
    """Let another process write, and kill it (`kill -9`) when half of the cells are done."""
    command = [sys.executable, __file__, str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        label, done = line.split()
        if label == "programming" and int(done) > REGION.cells / 2:
            break
    process.kill()
    process.wait()
    process.stdout.close()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        write(Path(sys.argv[1]), tell)
    else:
        main()
