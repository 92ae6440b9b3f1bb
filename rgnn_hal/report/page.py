"""A page of HTML in one file: headings, paragraphs, tables and pictures, all inside.

    page = Page("Title")
    page.heading("A section")
    page.table(["quantity", "value"], [["force", "44 meV/Å"]])
    page.picture(figure)
    page.write(path)

No scripts, no fonts and no pictures from anywhere else; it prints as it looks.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 78rem; margin: 2rem auto;
       padding: 0 1.5rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.3rem; margin-top: 2.5rem;
     border-bottom: 1px solid #ccc; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; font-size: 0.9rem; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.6rem;
         border-bottom: 1px solid #ddd; }
th { background: #f4f4f4; } td.number { white-space: nowrap; }
small { color: #555; } p.failure { background: #fdecea; border-left: 4px solid #b3261e;
        padding: 0.6rem 1rem; }
figure { margin: 1rem 0; } figure svg, figure img { max-width: 100%; height: auto; }
@media print { body { margin: 0; max-width: none; font-size: 10px; }
  tr, figure { break-inside: avoid; } h2 { break-after: avoid; } }
"""


@dataclass(frozen=True)
class Text:
    """A table's entry: `main`, in smaller letters what stands below, and what stands out."""

    main: str
    below: str = ""
    mark: str = ""
    """A word in bold before what stands below."""
    number: bool = False


@dataclass
class Page:
    """Grows from top to bottom; text is escaped."""

    title: str
    _body: list[str] = field(default_factory=list, init=False)

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._body.append(f"<h2>{escape(text)}</h2>")

    def paragraph(self, text: str, *, failure: bool = False) -> None:
        """Add text."""
        kind = ' class="failure"' if failure else ""
        self._body.append(f"<p{kind}>{escape(text)}</p>")

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Text]]) -> None:
        """Add a table."""
        head = "".join(f"<th>{escape(word)}</th>" for word in header)
        body = "".join(f"<tr>{''.join(map(_entry, row))}</tr>" for row in rows)
        self._body.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")

    def picture(self, figure: Any, *, dense: bool = False) -> None:
        """Add a matplotlib figure: lines as SVG, or what is `dense` as pixels."""
        if dense:
            pixels = io.BytesIO()
            figure.savefig(pixels, format="png", dpi=150)
            code = base64.b64encode(pixels.getvalue()).decode()
            inner = f'<img alt="{escape(_title(figure))}" src="data:image/png;base64,{code}">'
        else:
            text = io.StringIO()
            figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
            drawing = text.getvalue()
            inner = drawing[drawing.index("<svg") :]
        self._body.append(f"<figure>{inner}</figure>")

    def html(self) -> str:
        """The whole page."""
        return (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>{escape(self.title)}</title><style>{_STYLE}</style></head>\n"
            f"<body><h1>{escape(self.title)}</h1>\n" + "\n".join(self._body) + "\n</body></html>\n"
        )

    def write(self, path: Path) -> Path:
        """Write it; the file appears complete or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.draft")
        draft.write_text(self.html(), encoding="utf-8")
        draft.replace(path)
        return path


def _entry(text: Text) -> str:
    mark = f"<strong>{escape(text.mark)}</strong> " if text.mark else ""
    below = f"<br><small>{mark}{escape(text.below)}</small>" if text.below or text.mark else ""
    kind = ' class="number"' if text.number and not text.below else ""
    return f"<td{kind}>{escape(text.main)}{below}</td>"


def _title(figure: Any) -> str:
    title = figure.get_suptitle()
    return str(title)
