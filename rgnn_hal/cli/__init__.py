"""The command line `rgnn-hal`: the library's verbs for people and for scripts.

Every command takes `--json` (one object on stdout, progress on stderr) and exits 0 on success, 2 on
a user's mistake, 1 on a failed check, 130 on Ctrl-C. Commands import what they need when they run,
so that `rgnn-hal --help` does not wait for torch.
"""

from rgnn_hal.cli.app import main

__all__ = ["main"]
