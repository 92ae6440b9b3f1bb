"""The reproduction as a table of text, as a page and as plain values for JSON."""

import math
from collections.abc import Sequence
from typing import Any

from rgnn_hal.macro.errors import ConfigurationError
from rgnn_hal.report.charts import draw_chart, is_dense
from rgnn_hal.report.page import Page, Text
from rgnn_hal.reproduction.cell import Cell, Measured, Missing, Modelled
from rgnn_hal.reproduction.chart import Chart
from rgnn_hal.reproduction.table import Section, Table

_HEADER = ("claim", "what", "paper", "ours", "how ours was obtained")


def cell_text(cell: Cell) -> str:
    """A number with its interval and unit."""
    if isinstance(cell, Missing):
        return "—"
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
        "Xu et al., Nat. Comput. Sci. 2025, 10.1038/s43588-025-00844-3, beside rgnn_hal. "
        "Measured here: found by this run, on this machine. Modelled: counted work on a hardware "
        "model whose figures have sources. Quoted: published by others. Brackets are 68 % "
        "intervals."
    )
    page.paragraph(table.settings)
    for section in table.sections:
        _section(page, section)
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
                "notes": list(section.notes),
                "rows": [
                    {
                        "claim": row.claim,
                        "what": row.what,
                        "paper": _values(row.paper),
                        "ours": _values(row.ours),
                    }
                    for row in section.rows
                ],
            }
            for section in table.sections
        ],
    }


def _section(page: Page, section: Section) -> None:
    page.heading(section.title)
    if section.failure is not None:
        page.paragraph(f"This section failed. {section.failure}", failure=True)
    if section.rows:
        page.table(
            _HEADER,
            [
                [
                    Text(row.claim),
                    Text(row.what),
                    Text(cell_text(row.paper), row.paper.details, row.paper.how),
                    Text(cell_text(row.ours), number=True),
                    Text("", row.ours.details, row.ours.how),
                ]
                for row in section.rows
            ],
        )
    for note in section.notes:
        page.paragraph(note)
    _charts(page, section.charts)


def _charts(page: Page, charts: Sequence[Chart]) -> None:
    for chart in charts:
        try:
            page.picture(draw_chart(chart), dense=is_dense(chart))
        except ConfigurationError as error:
            page.paragraph(f"No plots: {error}")
            return


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
    """Three digits, or as many as show an interval of that width by two."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if not 1e-3 <= abs(value) < 1e6:
        return f"{value:.2e}"
    decimals = 2 - math.floor(math.log10(abs(value)))
    if width:
        decimals = 1 - math.floor(math.log10(width))
    return f"{value:,.{max(0, decimals)}f}"
