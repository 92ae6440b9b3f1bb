"""Running a benchmark in a process of its own, on one thread.

Numerical libraries read the number of their threads from the environment when they are loaded, so
that a process which has loaded them cannot be limited honestly. The child (`__main__`) writes one
JSON object a line: `{"progress": [done, total]}` while it works, `{"result": {...}}` at the end.
"""

import json
import os
import subprocess
import sys

from rgnn_hal.progress import Progress, silent

Numbers = dict[str, float]

_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def run_alone(name: str, *, seconds: float, progress: Progress = silent) -> Numbers:
    """Measure benchmark `name`, a module of this package, in a new process with one thread.

    Raises:
        subprocess.CalledProcessError: it failed; its own words are on stderr.
    """
    environment = os.environ | dict.fromkeys(_THREADS, "1")
    command = [sys.executable, "-m", __package__, name, str(seconds)]
    result: Numbers = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as child:
        assert child.stdout is not None
        try:
            for line in child.stdout:
                message = json.loads(line)
                result = message.get("result", result)
                if "progress" in message:
                    done, total = message["progress"]
                    progress(done, total, f"bench {name}")
        except BaseException:
            child.kill()
            raise
    if child.returncode != 0:
        raise subprocess.CalledProcessError(child.returncode, command)
    return result
