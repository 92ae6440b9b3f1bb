"""The grid of chip time on which slow noise and relaxation move: at which node is a vector read?"""

from collections.abc import Iterator


def refreshes(
    started_ns: int, batch: int, vector_ns: int, refresh_ns: int
) -> Iterator[tuple[slice, int]]:
    """The vectors of each refresh of the cells; each vector belongs to where it begins."""
    start = 0
    while start < batch:
        refresh, elapsed = divmod(started_ns + start * vector_ns, refresh_ns)
        stop = min(batch, start - (elapsed - refresh_ns) // vector_ns)
        yield slice(start, stop), refresh
        start = stop
