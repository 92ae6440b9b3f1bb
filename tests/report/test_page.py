"""Pages stand for themselves: nothing is fetched, nothing escapes as markup."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal.macro import DataError
from rgnn_hal.report.page import Badge, Page, Text
from rgnn_hal.report.reproduction import cell_text, reproduction_page, reproduction_values
from rgnn_hal.reproduction.cell import Missing, Quoted, watching
from rgnn_hal.reproduction.chart import Bar, Bars, Curves, Parity, Series
from rgnn_hal.reproduction.table import Row, Section, Table

CHARTS = (
    Curves(
        "Scaling",
        "atoms",
        "CPU time (s)",
        (
            Series("ours", [1.0, 2.0], [1.0, 3.0], [0.5, 2.0], [2.0, 4.0], hollow=True),
            Series("law", [1.0, 2.0], [1.0, 3.0], line=True),
        ),
        x_log=True,
        y_log=True,
    ),
    Bars(
        "Cost",
        "energy (J)",
        (Bar("gpu", 1.0, 0.5, 2.0, "alone"), Bar("macro + gpu", 0.1, 0.05, 0.2, "helped")),
        mark=2.5,
        mark_label="the paper",
    ),
    Parity.of("Parity", "force (eV/Å)", np.arange(20.0), np.arange(20.0) + 0.1),
)


class Loads(HTMLParser):
    """Collects whatever a browser would fetch, and where links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if tag == "a" and name == "href":
                self.links.append(value or "")
            elif name in {"src", "href", "xlink:href", "action", "data"}:
                self.found.append(value or "")


def table() -> Table:
    with watching("count") as watch:
        count = sum(range(10))
    rows = (
        Row(
            "speed",
            "on <this> & that",
            Quoted(2.5, "x", "a paper, 10.1234/abc.5-6: page 7"),
            watch.measured(count, "x", (count - 1, count + 1)),
            headline=True,
        ),
        Row("energy", "alone", Quoted(2.7, "x", "a paper"), Missing("PySCF is not installed")),
    )
    good = Section("forces", "Forces", rows, CHARTS, ("A note.",))
    bad = Section("hamiltonian", "Hamiltonians", failure="DataError: no <data>")
    return Table((good, bad), "Sizes: tiny.", "Settings()")


def test_a_report_fetches_nothing_and_says_everything() -> None:
    pytest.importorskip("matplotlib", reason="the extra 'plot' is not installed")
    html = reproduction_page(table()).html()
    loads = Loads()
    loads.feed(html)
    assert all(found.startswith(("data:", "#")) for found in loads.found), loads.found
    assert not {"script", "link", "iframe"} & set(loads.tags)
    assert not re.search(r"@import|url\((?!#)", html)
    kinds = [found.split(";")[0] for found in loads.found]
    assert kinds == ["data:image/svg+xml"] * 2 + ["data:image/png"]
    assert "https://doi.org/10.1234/abc.5-6" in loads.links
    assert all(link.startswith("https://doi.org/10.") for link in loads.links)
    for words in ("measured here", "quoted", "not available", "PySCF is not installed", "A note."):
        assert words in html
    assert "on &lt;this&gt; &amp; that" in html and "DataError: no &lt;data&gt;" in html


def test_a_stored_table_comes_back_whole() -> None:
    stored = table()
    assert Table.restored(stored.stored()) == stored
    with pytest.raises(DataError, match="run all sections again"):
        Table.restored(b'{"sections": 1}')


def test_a_section_takes_the_place_of_its_namesake() -> None:
    again = table().with_section(Section("forces", "Forces again"))
    assert [section.title for section in again.sections] == ["Forces again", "Hamiltonians"]


def test_a_failure_is_kept_as_a_value() -> None:
    values = reproduction_values(table())
    assert values["failed"] == ["hamiltonian"]
    assert values["sections"][0]["rows"][0]["ours"]["how"] == "measured here"
    assert values["sections"][0]["rows"][1]["ours"] == {
        "how": "not available",
        "reason": "PySCF is not installed",
    }


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_text_never_becomes_markup(text: str) -> None:
    def tags(words: str) -> list[str]:
        page, loads = Page(words), Loads()
        page.heading(words)
        page.paragraph(words)
        page.table([words], [[Text(words, words, Badge("quoted", words))]], folded=words)
        page.legend([(Badge("missing", words), words)])
        loads.feed(page.html())
        return loads.tags

    assert tags(text) == tags("words")


@pytest.mark.parametrize(
    ("value", "interval", "text"),
    [
        (-1.17301, (-1.17401, -1.17201), "-1.1730 [-1.1740, -1.1720] hartree"),
        (2197.3, (1935.2, 2902.9), "2,197 [1,935, 2,903] hartree"),
        (1e4, None, "10,000 hartree"),
        (0.00483, None, "0.00483 hartree"),
        (1.6e7, None, "1.60e+07 hartree"),
        (1e6, None, "1,000,000 hartree"),
    ],
)
def test_numbers_show_as_many_digits_as_they_have(
    value: float, interval: tuple[float, float] | None, text: str
) -> None:
    assert cell_text(Quoted(value, "hartree", "a paper", interval)) == text


def test_a_page_appears_complete_or_not_at_all(tmp_path: Path) -> None:
    written = Page("Title").write(tmp_path / "new" / "page.html")
    assert written.read_text(encoding="utf-8").endswith("</html>\n")
    assert list(written.parent.iterdir()) == [written]
