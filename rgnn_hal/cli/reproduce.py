"""Command `reproduce`: the paper's table beside ours, every cell with how it was obtained."""

import json as json_module
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rgnn_hal.cli.output import Json, plain, print_result, print_warning, progress_bar
from rgnn_hal.macro import ConfigurationError, DataError, open_macro

if TYPE_CHECKING:
    from rgnn_hal.reproduction.settings import Settings
    from rgnn_hal.reproduction.table import Section, Table


def reproduce(
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="Small sizes, under ten minutes on two cores. Without it, one to two hours, "
            "estimated from these; do a section at a time with --only.",
        ),
    ] = False,
    out: Annotated[
        Path,
        typer.Option("--out", help="Folder for the report; with --only, sections in it are kept."),
    ] = Path("reproduction"),
    macro: Annotated[str | None, typer.Option("--macro", help="Chip in place of ours.")] = None,
    only: Annotated[
        str, typer.Option(help="Some of forces, hamiltonian, wavefunction, separated by commas.")
    ] = "",
    json: Json = False,
) -> None:
    """Set the paper's table beside ours; every cell says how it was obtained."""
    from rgnn_hal.cli.models import use_one_torch_thread
    from rgnn_hal.reproduction.run import reproduce as run
    from rgnn_hal.reproduction.settings import FULL, QUICK

    settings = _with_macro(QUICK if quick else FULL, macro)
    if out.exists() and not out.is_dir():
        raise ConfigurationError(f"{out} is a file; give a folder for the report")
    open_macro(settings.macro).close()  # a mistake in the address is told before anything starts
    use_one_torch_thread()
    wanted = [name.strip() for name in only.split(",") if name.strip()]
    table = _begun(settings, out if wanted else None)
    with progress_bar() as progress:
        for section in run(settings, wanted, progress):
            # Written after each, so that Ctrl-C leaves what was found.
            table = table.with_section(section)
            _write(table, out)
            _tell(section)
    if json:
        from rgnn_hal.report.reproduction import reproduction_values

        print_result({**reproduction_values(table), "report": _files(out)}, True)
    else:
        _print(table, out)
    if table.failed:
        raise typer.Exit(1)


def _with_macro(settings: "Settings", macro: str | None) -> "Settings":
    return settings if macro is None else replace(settings, macro=macro)


def _begun(settings: "Settings", kept: Path | None) -> "Table":
    """An empty table, or what a report of the same settings in the folder `kept` has already."""
    from rgnn_hal.reproduction.table import Table

    words = f"Sizes: {settings.name}. Chip: {settings.macro}. First principles: PBE/"
    empty = Table((), f"{words}{settings.sizes.basis}.", repr(settings))
    if kept is None or not _table_file(kept).exists():
        return empty
    try:
        found = Table.restored(_table_file(kept).read_bytes())
    except DataError as error:
        print_warning(f"{_table_file(kept)}: {error}")
        return empty
    if found.sizes == empty.sizes:
        return found
    print_warning(f"the report in {kept} is of other settings; its sections are not kept")
    return empty


def _write(table: "Table", out: Path) -> None:
    from rgnn_hal.report.reproduction import reproduction_page, reproduction_values

    page, values = map(Path, _files(out))
    reproduction_page(table).write(page)
    text = json_module.dumps(plain(reproduction_values(table)), indent=2)
    values.write_text(text, encoding="utf-8")
    _table_file(out).write_bytes(table.stored())


def _files(out: Path) -> list[str]:
    return [str(out / "report.html"), str(out / "report.json")]


def _table_file(out: Path) -> Path:
    """What `--only` goes on from."""
    return out / "table.json"


def _tell(section: "Section") -> None:
    """One line per section, for logs too, where a bar cannot be drawn."""
    state = "done" if section.failure is None else f"failed: {section.failure}"
    print(
        f"{section.name}: {state}; {section.cpu_seconds:.0f} s of CPU time, "
        f"{section.wall_seconds:.0f} s on the clock",
        file=sys.stderr,
        flush=True,
    )


def _print(table: "Table", out: Path) -> None:
    from rich.console import Console
    from rich.table import Table as Grid

    from rgnn_hal.report.reproduction import short_rows

    grid = Grid(pad_edge=False)
    for name in ("task", "claim", "what", "paper", "ours", "how"):
        grid.add_column(name, overflow="fold")
    for section in table.sections:
        for row in short_rows(section):
            grid.add_row(section.name, *row)
        grid.add_section()
    console = Console()
    console.print(grid)
    for section in table.sections:
        if section.failure is not None:
            console.print(f"{section.name} failed: {section.failure}", style="red", markup=False)
    console.print(f"Report: {out / 'report.html'}", markup=False)
