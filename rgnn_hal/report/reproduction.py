"""The reproduction as a table of text, as a page and as plain values for JSON."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from rgnn_hal.cost.figure import Figure, figures
from rgnn_hal.cost.hardware import Machine, MacroHardware, load_machine, load_macro
from rgnn_hal.cost.published import comparisons
from rgnn_hal.macro.errors import ConfigurationError
from rgnn_hal.report.charts import draw_chart, is_dense
from rgnn_hal.report.page import Badge, Page, Text
from rgnn_hal.reproduction.cell import Cell, Measured, Missing, Modelled
from rgnn_hal.reproduction.chart import Chart
from rgnn_hal.reproduction.table import Row, Section, Table

_HEADER = ("claim", "what", "paper", "ours", "how ours was obtained")
_LEGEND = (
    (
        Badge("measured", "measured here"),
        "found by this run, on this machine. Times are this process's CPU time on one thread; the "
        "emulator's own work counts as ours.",
    ),
    (
        Badge("measured", "measured here, extrapolated"),
        "a law fitted to such numbers, carried to a size that was not computed.",
    ),
    (
        Badge("measured", "measured here, against a record"),
        "ours was measured here; what it is compared with when the bundled data were made, on "
        "another machine.",
    ),
    (
        Badge("modelled", "modelled"),
        "work counted in this run, on a hardware model whose figures and sources stand at the end.",
    ),
    (Badge("quoted", "quoted"), "published by others; the source stands with the number."),
    (Badge("missing", "not available"), "neither; the reason stands in its place."),
)


def cell_text(cell: Cell) -> str:
    """A number with its interval and unit."""
    if isinstance(cell, Missing):
        return cell.reason
    if cell.interval is None:
        value = _number(cell.value)
    else:
        low, high = cell.interval
        value, low_text, high_text = (_number(x, high - low) for x in (cell.value, low, high))
        value = f"{value} [{low_text}, {high_text}]"
    return " ".join(part for part in (cell.bound, value, cell.unit) if part)


def short_rows(section: Section) -> list[tuple[str, ...]]:
    """Rows for a terminal: claim, what, paper, ours, how."""
    return [
        (row.claim, row.what, cell_text(row.paper), cell_text(row.ours), row.ours.how)
        for row in section.rows
    ]


def reproduction_page(table: Table) -> Page:
    """Everything that was found, with plots."""
    page = Page("The paper's table, reproduced")
    page.paragraph(
        "Xu et al., Nat. Comput. Sci. 2025, 10.1038/s43588-025-00844-3, beside rgnn_hal. Every "
        "number says how it was obtained; brackets are 68 % intervals."
    )
    page.legend(_LEGEND)
    page.paragraph(table.settings)
    _summary(page, table.sections)
    for section in table.sections:
        _section(page, section)
    _published(page)
    _hardware(page)
    return page


def reproduction_values(table: Table) -> dict[str, Any]:
    """All numbers, as JSON knows them; charts are left to the page."""
    return {
        "settings": table.settings,
        "failed": list(table.failed),
        "sections": [
            {
                "name": section.name,
                "failure": section.failure,
                "started": section.started,
                "cpu_seconds": section.cpu_seconds,
                "wall_seconds": section.wall_seconds,
                "notes": list(section.notes),
                "rows": [
                    {
                        "claim": row.claim,
                        "what": row.what,
                        "headline": row.headline,
                        "reached": row.reached or None,
                        "paper": _values(row.paper),
                        "ours": _values(row.ours),
                    }
                    for row in section.rows
                ],
            }
            for section in table.sections
        ],
    }


def _summary(page: Page, sections: Sequence[Section]) -> None:
    """What the paper's claims are best compared with."""
    rows = [
        [
            Text(section.title),
            Text(row.claim),
            Text(row.what),
            Text(cell_text(row.paper), number=True),
            Text(cell_text(row.ours), number=True),
            Text(row.reached),
            Text("", badge=_badge(row.ours)),
        ]
        for section in sections
        for row in section.rows
        if row.headline
    ]
    if rows:
        page.heading("In short")
        page.table(("task", "claim", "what", "paper", "ours", "reached", "how"), rows)


def _section(page: Page, section: Section) -> None:
    page.heading(section.title)
    if section.failure is not None:
        page.paragraph(f"This section failed. {section.failure}", failure=True)
    if section.rows:
        page.table(_HEADER, [_line(row) for row in _by_claim(section.rows)])
    for note in section.notes:
        page.paragraph(note)
    _charts(page, section.charts)
    if section.started:
        page.paragraph(
            f"Begun {section.started}; took {section.cpu_seconds:.0f} s of CPU time, "
            f"{section.wall_seconds:.0f} s on the clock."
        )


def _by_claim(rows: Sequence[Row]) -> Iterable[Row]:
    claims = list(dict.fromkeys(row.claim for row in rows))
    return sorted(rows, key=lambda row: claims.index(row.claim))


def _line(row: Row) -> list[Text]:
    source = "" if isinstance(row.paper, Missing) else row.paper.details
    quoted = None if isinstance(row.paper, Missing) else _badge(row.paper)
    return [
        Text(row.claim),
        Text(row.what),
        Text(cell_text(row.paper), source, quoted, number=True),
        Text(cell_text(row.ours), number=True),
        Text("", row.ours.details, _badge(row.ours)),
    ]


def _badge(cell: Cell) -> Badge:
    return Badge(cell.kind, cell.how)


def _charts(page: Page, charts: Sequence[Chart]) -> None:
    for chart in charts:
        try:
            page.picture(draw_chart(chart), dense=is_dense(chart))
        except ConfigurationError as error:
            page.paragraph(f"No plots: {error}")
            return


def _hardware(page: Page) -> None:
    """Every figure of the presets that modelled numbers hang on."""
    page.heading("Figures of the hardware model")
    page.paragraph(
        "The true value lies within the factor of the value in two cases of three. Figures of "
        "another node than the hardware's have been carried to it by scaling laws."
    )
    presets: dict[str, MacroHardware | Machine] = {
        **{name: load_macro(name) for name in ("chip", "board")},
        **{name: load_machine(name) for name in ("accelerator", "gpu")},
    }
    for name, hardware in presets.items():
        rows = [_figure(path, figure) for path, figure in figures(hardware)]
        header = ("figure", "value", "factor", "source")
        page.table(header, rows, folded=f"{name}: {hardware.description}")


def _published(page: Page) -> None:
    """The model's test: macros that were built, to which nothing of it is fitted."""
    page.heading("The hardware model beside macros that were built")
    page.paragraph(
        "Nothing is fitted to these; brackets are 68 % intervals. Beyond a factor of two the model "
        "fails: it knows no routing, pads, processors and memories."
    )
    rows = [
        [
            Text(one.published.name, one.published.source),
            Text(f"{one.published.value:g} {one.published.unit}", number=True),
            Text(f"{one.model.value:.3g} [{one.model.low:.2g}, {one.model.high:.2g}]", number=True),
            Text(f"{one.factor:.2f}", "" if one.within_two else "fails", number=True),
            Text(one.published.includes),
        ]
        for one in comparisons()
    ]
    page.table(("macro", "published", "model", "model over published", "covers besides"), rows)


def _figure(path: str, figure: Figure) -> list[Text]:
    return [
        Text(path),
        Text(f"{figure.value:.3g} {figure.unit}", number=True),
        Text(f"{figure.factor:g}" if figure.factor > 1 else "", number=True),
        Text(f"{figure.source} (a guess)" if figure.guess else figure.source),
    ]


def _values(cell: Cell) -> dict[str, Any]:
    if isinstance(cell, Missing):
        return {"how": cell.how, "reason": cell.reason}
    values: dict[str, Any] = {
        "how": cell.how,
        "value": cell.value,
        "interval": cell.interval,
        "unit": cell.unit,
        "bound": cell.bound or None,
        "details": cell.details,
    }
    if isinstance(cell, Measured):
        values |= {"load": cell.run.load, "cpu_seconds": cell.run.cpu_seconds}
    if isinstance(cell, Modelled):
        values |= {"presets": cell.presets}
    return values


def _number(value: float, width: float | None = None) -> str:
    """Three digits, or as many as show an interval of that width by two; two of large numbers."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if 1e4 <= abs(value) < 1e7:
        return f"{float(f'{value:.2g}'):,.0f}"
    if not 1e-3 <= abs(value) < 1e7:
        return f"{value:.2e}"
    decimals = 2 - math.floor(math.log10(abs(value)))
    if width:
        decimals = 1 - math.floor(math.log10(width))
    return f"{value:,.{max(0, decimals)}f}"
