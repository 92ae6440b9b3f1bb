"""Timing on a machine that does other things too.

The best of many rounds, in CPU time of the thread: on an idle machine that is the time on the
clock, on a busy one it does not count waiting for the processor. Where waiting is what matters, for
another process, the clock is another one. Candidates take turns, so that a slow spell meets all of
them.
"""

import time
from collections.abc import Callable, Sequence

Clock = Callable[[], float]

_COST: dict[Clock, float] = {time.thread_time: 1e-6, time.perf_counter: 5e-8}
"""Of asking a clock, s."""


def best_times(
    candidates: Sequence[Callable[[], object]],
    *,
    seconds: float,
    least: int = 3,
    clock: Clock = time.thread_time,
) -> list[float]:
    """Shortest time of one call of each candidate, s, from rounds that fill about `seconds`."""
    calls = [_calls_per_measurement(candidate, clock) for candidate in candidates]
    best = [float("inf")] * len(candidates)
    stop, rounds = time.perf_counter() + seconds, 0
    while rounds < least or time.perf_counter() < stop:
        for index, candidate in enumerate(candidates):
            best[index] = min(best[index], _time(candidate, calls[index], clock))
        rounds += 1
    return best


def _calls_per_measurement(candidate: Callable[[], object], clock: Clock) -> int:
    """So many that the clock's own cost does not show."""
    candidate()
    return max(1, round(1e3 * _COST[clock] / max(_time(candidate, 1, clock), 1e-6)))


def _time(candidate: Callable[[], object], calls: int, clock: Clock) -> float:
    start = clock()
    for _ in range(calls):
        candidate()
    return (clock() - start) / calls
