"""Running the sections one after another; a section that fails says why, and the others go on."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rgnn_hal.macro.errors import ConfigurationError
from rgnn_hal.progress import Progress, silent
from rgnn_hal.reproduction.context import Context
from rgnn_hal.reproduction.forces import write_forces
from rgnn_hal.reproduction.hamiltonian import write_hamiltonian
from rgnn_hal.reproduction.settings import Settings
from rgnn_hal.reproduction.table import Draft, Section
from rgnn_hal.reproduction.wavefunction import write_wavefunction

_Writer = Callable[[Context, Draft], None]
SECTIONS: Mapping[str, tuple[str, _Writer]] = {
    "forces": ("Atomic forces", write_forces),
    "hamiltonian": ("Hamiltonians", write_hamiltonian),
    "wavefunction": ("Wavefunctions", write_wavefunction),
}
"""Title and writer of each section."""


def reproduce(
    settings: Settings, only: Sequence[str] = (), progress: Progress = silent
) -> Iterator[Section]:
    """Yield each section as it is finished, all of them or `only` some.

    Ctrl-C yields what the section has so far, and goes on its way when the next one is asked for.

    Raises:
        ConfigurationError: there is no such section.
    """
    for name in only:
        if name not in SECTIONS:
            raise ConfigurationError(f"no section {name!r}; there are {', '.join(SECTIONS)}")
    chosen = [name for name in SECTIONS if not only or name in only]
    with tempfile.TemporaryDirectory(prefix="rgnn-hal-") as folder:
        context = Context(settings, Path(folder), progress)
        for name in chosen:
            yield from _section(name, context)


def _section(name: str, context: Context) -> Iterator[Section]:
    title, write = SECTIONS[name]
    draft, failure = Draft(), None
    started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    cpu, wall = time.process_time(), time.perf_counter()

    def section() -> Section:
        return replace(
            draft.section(name, title, failure),
            started=started,
            cpu_seconds=time.process_time() - cpu,
            wall_seconds=time.perf_counter() - wall,
        )

    try:
        write(context, draft)
    # Whatever breaks one section, of ours or of a library's, must not lose the others.
    except Exception as error:
        failure = f"{type(error).__name__}: {error}"
    except (KeyboardInterrupt, SystemExit):
        failure = "interrupted; what follows was not reached"
        yield section()
        raise
    yield section()
