"""A page of HTML in one file: headings, paragraphs, tables and pictures, all inside.

    page = Page("Title")
    page.heading("A section")
    page.table(["quantity", "value"], [[Text("force"), Text("44 meV/Å", number=True)]])
    page.picture(figure)
    page.write(path)

No scripts, no fonts and no pictures from anywhere else; light or dark as the reader's system is,
and on a narrow screen every row of a table becomes a card. `style.css` beside this module says how.
"""

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any, Literal

Kind = Literal["measured", "modelled", "quoted", "missing"]

_DOI = re.compile(r"\b10\.\d{4,}/[-._;()/:A-Za-z0-9]*[A-Za-z0-9]")


@dataclass(frozen=True)
class Badge:
    """A word in a frame, whose colour says of what kind an entry is."""

    kind: Kind
    words: str


@dataclass(frozen=True)
class Text:
    """A table's entry: `main`, a badge, and in smaller letters what stands below."""

    main: str
    below: str = ""
    badge: Badge | None = None
    number: bool = False


@dataclass
class Page:
    """Grows from top to bottom; text is escaped, and what is a DOI becomes a link."""

    title: str
    _body: list[str] = field(default_factory=list, init=False)

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._body.append(f"<h2>{escape(text)}</h2>")

    def paragraph(self, text: str, *, failure: bool = False) -> None:
        """Add text."""
        kind = ' class="failure"' if failure else ""
        self._body.append(f"<p{kind}>{_linked(text)}</p>")

    def legend(self, entries: Sequence[tuple[Badge, str]]) -> None:
        """Say what badges mean."""
        items = "".join(f"<li>{_badge(badge)} {_linked(words)}</li>" for badge, words in entries)
        self._body.append(f"<ul>{items}</ul>")

    def table(
        self, header: Sequence[str], rows: Sequence[Sequence[Text]], *, folded: str = ""
    ) -> None:
        """Add a table, behind the words `folded` where there are some."""
        head = "".join(f'<th scope="col">{escape(word)}</th>' for word in header)
        lines = (map(_entry, header, row) for row in rows)
        body = "".join(f"<tr>{''.join(line)}</tr>" for line in lines)
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        if folded:
            table = f"<details><summary>{escape(folded)}</summary>{table}</details>"
        self._body.append(table)

    def picture(self, figure: Any, *, dense: bool = False) -> None:
        """Add a matplotlib figure: lines as SVG, or what is `dense` as pixels."""
        form, mime = ("png", "png") if dense else ("svg", "svg+xml")
        drawn = io.BytesIO()
        metadata = None if dense else {"Date": None, "Creator": None}
        figure.savefig(drawn, format=form, dpi=150, metadata=metadata)
        code = base64.b64encode(drawn.getvalue()).decode()
        title = escape(str(figure.get_suptitle()))
        self._body.append(
            f'<figure><img alt="{title}" src="data:image/{mime};base64,{code}"></figure>'
        )

    def html(self) -> str:
        """The whole page."""
        style = resources.files("rgnn_hal.report").joinpath("style.css").read_text("utf-8")
        return (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self.title)}</title><style>\n{style}</style></head>\n"
            f"<body><h1>{escape(self.title)}</h1>\n" + "\n".join(self._body) + "\n</body></html>\n"
        )

    def write(self, path: Path) -> Path:
        """Write it; the file appears complete or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.draft")
        draft.write_text(self.html(), encoding="utf-8")
        draft.replace(path)
        return path


def _entry(label: str, text: Text) -> str:
    badge = f" {_badge(text.badge)}" if text.badge else ""
    below = f"<small>{_linked(text.below)}</small>" if text.below else ""
    kind = ' class="number"' if text.number else ""
    return f'<td{kind} data-label="{escape(label)}">{_linked(text.main)}{badge}{below}</td>'


def _badge(badge: Badge) -> str:
    return f'<span class="badge {badge.kind}">{escape(badge.words)}</span>'


def _linked(text: str) -> str:
    """`text` escaped, with DOIs as links."""
    parts, end = [], 0
    for found in _DOI.finditer(text):
        doi = escape(found.group())
        parts += [escape(text[end : found.start()]), f'<a href="https://doi.org/{doi}">{doi}</a>']
        end = found.end()
    return "".join([*parts, escape(text[end:])])
