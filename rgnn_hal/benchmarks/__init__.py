"""How fast the library is: ratios measured in one run, each beside its reference.

One file is one benchmark: a function `measure(seconds, progress)` that returns named numbers and
times each of its candidates for about `seconds`. A time alone says more about the machine than
about the code, so what matters is stated as a multiple of a plain matrix product that is timed in
turn with it. `run_alone` runs a benchmark by itself, on one thread.
"""

from rgnn_hal.benchmarks.alone import run_alone

__all__ = ["run_alone"]
