"""The child of `run_alone`: `python -m rgnn_hal.benchmarks NAME SECONDS`."""

import importlib
import json
import sys


def _tell(done: int, total: int, label: str) -> None:
    print(json.dumps({"progress": [done, total]}), flush=True)


name, seconds = sys.argv[1:]
benchmark = importlib.import_module(f"{__package__}.{name}")
print(json.dumps({"result": benchmark.measure(float(seconds), _tell)}), flush=True)
