"""What commands print: one JSON object or a readable table on stdout, progress on stderr."""

import json
import math
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from rgnn_hal.macro import ConfigurationError
from rgnn_hal.progress import Progress

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def folder_of_plots(path: Path | None) -> Path | None:
    """The folder of an option, refused before anything runs if plots could not be put there."""
    if path is not None:
        from rgnn_hal.report.figure import require_matplotlib

        require_matplotlib()
        if path.exists() and not path.is_dir():
            raise ConfigurationError(f"{path} is a file; give a folder for the report")
    return path


def print_result(result: Mapping[str, Any], as_json: bool, *, flush: bool = False) -> None:
    """Print a command's result; `flush` it where the command goes on."""
    if as_json:
        print(json.dumps(plain(result), indent=2), flush=flush)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    for key, value in result.items():
        table.add_row(key.replace("_", " "), _readable(value))
    Console().print(table)
    if flush:
        sys.stdout.flush()


def print_warning(message: str) -> None:
    """Print what the user should know to stderr."""
    print(f"rgnn-hal: warning: {message}", file=sys.stderr)


@contextmanager
def plain_warnings(category: type[Warning]) -> Iterator[None]:
    """Print warnings of a category to stderr as a sentence each."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", category)
        warnings.showwarning = lambda message, *_, **__: print_warning(str(message))
        yield


def print_error(error: BaseException, as_json: bool) -> None:
    """Print what went wrong: to stderr, and as an object on stdout where JSON was asked for."""
    message = str(error) or type(error).__name__
    if isinstance(error, OSError) and error.filename is not None:
        message = f"{error.filename}: {error.strerror}"
    print(f"rgnn-hal: {message}", file=sys.stderr)
    for note in getattr(error, "__notes__", ()):
        print(f"  {note}", file=sys.stderr)
    if as_json:
        print(json.dumps({"error": message, "kind": type(error).__name__}))


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar on stderr, with the time left, that follows `progress(done, total, label)` by phase."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    bar = Bar(*columns, console=Console(stderr=True))
    phases: dict[str, Any] = {}

    def report(done: int, total: int, label: str) -> None:
        bar.start()  # only now: a bar without phases would print an empty line
        if label not in phases:
            # What was done before, as in a resumed campaign, says nothing about the time left.
            phases[label] = bar.add_task(label, total=total, completed=done)
        bar.update(phases[label], completed=done, total=total)

    try:
        yield report
    finally:
        if phases:
            bar.stop()


def plain(value: Any) -> Any:
    """`value` in JSON's types; NaN and infinity, which JSON lacks, become null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def _readable(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_readable(item)}" for key, item in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return "\n".join(_readable(item) for item in value)
    return str(value)
