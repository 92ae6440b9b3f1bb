"""The table: rows of the paper's claims beside ours, in sections that stand for themselves."""

from dataclasses import dataclass, field

from rgnn_hal.reproduction.cell import Cell
from rgnn_hal.reproduction.chart import Chart


@dataclass(frozen=True)
class Row:
    """One figure of the paper and one of ours."""

    claim: str
    """Accuracy, compute, training, speed or energy."""
    what: str
    """Which number of ours, on what."""
    paper: Cell
    ours: Cell


@dataclass(frozen=True)
class Section:
    """All about one task, and the sentence that says why it ends early if it does."""

    name: str
    title: str
    rows: tuple[Row, ...] = ()
    charts: tuple[Chart, ...] = ()
    notes: tuple[str, ...] = ()
    failure: str | None = None


@dataclass
class Draft:
    """A section being written; what is in it stays, even if the rest fails."""

    rows: list[Row] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, claim: str, what: str, paper: Cell, ours: Cell) -> None:
        """Append a row."""
        self.rows.append(Row(claim, what, paper, ours))

    def section(self, name: str, title: str, failure: str | None = None) -> Section:
        """What there is."""
        return Section(
            name, title, tuple(self.rows), tuple(self.charts), tuple(self.notes), failure
        )


@dataclass(frozen=True)
class Table:
    """The whole reproduction."""

    sections: tuple[Section, ...]
    settings: str
    """Which set of sizes, and how it was called."""

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of sections that failed."""
        return tuple(section.name for section in self.sections if section.failure is not None)
