"""Command `reproduce`: the paper's table beside ours, every cell with how it was obtained."""

import json as json_module
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rgnn_hal.cli.output import Json, plain, print_result, progress_bar
from rgnn_hal.macro import ConfigurationError, open_macro

if TYPE_CHECKING:
    from rgnn_hal.reproduction.settings import Settings
    from rgnn_hal.reproduction.table import Section, Table


def reproduce(
    quick: Annotated[bool, typer.Option("--quick", help="Under ten minutes on two cores.")] = False,
    out: Annotated[Path, typer.Option("--out", help="Folder for the report.")] = Path(
        "reproduction"
    ),
    macro: Annotated[str | None, typer.Option("--macro", help="Chip in place of ours.")] = None,
    only: Annotated[str, typer.Option(help="Sections, separated by commas.")] = "",
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
    sections: list[Section] = []
    with progress_bar() as progress:
        for section in run(settings, wanted, progress):
            sections.append(section)
            # Written after each, so that Ctrl-C leaves what was finished.
            table = _write(sections, settings, out)
    if json:
        from rgnn_hal.report.reproduction import reproduction_values

        print_result({**reproduction_values(table), "report": _files(out)}, True)
    else:
        _print(table, out)
    if table.failed:
        raise typer.Exit(1)


def _with_macro(settings: "Settings", macro: str | None) -> "Settings":
    return settings if macro is None else replace(settings, macro=macro)


def _write(sections: "list[Section]", settings: "Settings", out: Path) -> "Table":
    from rgnn_hal.report.reproduction import reproduction_page, reproduction_values
    from rgnn_hal.reproduction.table import Table

    words = f"Sizes: {settings.name}. Chip: {settings.macro}. First principles: PBE/"
    table = Table(tuple(sections), f"{words}{settings.sizes.basis}.")
    page, values = map(Path, _files(out))
    reproduction_page(table).write(page)
    text = json_module.dumps(plain(reproduction_values(table)), indent=2)
    values.write_text(text, encoding="utf-8")
    return table


def _files(out: Path) -> list[str]:
    return [str(out / "report.html"), str(out / "report.json")]


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
