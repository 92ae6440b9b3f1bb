"""The table: rows of the paper's claims beside ours, in sections that stand for themselves.

A table is a value that a file can hold: `stored` writes all of it as JSON and `restored` reads it
back, so that sections of several runs can share one report.
"""

from dataclasses import dataclass, field, replace
from functools import cache

from pydantic import TypeAdapter, ValidationError

from rgnn_hal.macro.errors import DataError
from rgnn_hal.reproduction.cell import Cell
from rgnn_hal.reproduction.chart import Chart


@dataclass(frozen=True)
class Row:
    """One figure of the paper and one of ours."""

    claim: str
    """Accuracy, compute, scaling, training, speed or energy."""
    what: str
    """Which number of ours, on what."""
    paper: Cell
    ours: Cell
    headline: bool = False
    """Whether it is what the paper's claim is best compared with."""


@dataclass(frozen=True)
class Section:
    """All about one task, and the sentence that says why it ends early if it does."""

    name: str
    title: str
    rows: tuple[Row, ...] = ()
    charts: tuple[Chart, ...] = ()
    notes: tuple[str, ...] = ()
    failure: str | None = None
    started: str = ""
    """Date and time, UTC."""
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0


@dataclass
class Draft:
    """A section being written; what is in it stays, even if the rest fails."""

    rows: list[Row] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self, claim: str, what: str, paper: Cell, ours: Cell, *, headline: bool = False
    ) -> None:
        """Append a row."""
        self.rows.append(Row(claim, what, paper, ours, headline))

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
    sizes: str = ""
    """All of the settings: only sections of equal ones share a table."""

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of sections that failed."""
        return tuple(section.name for section in self.sections if section.failure is not None)

    def with_section(self, section: Section) -> "Table":
        """With one more section, or with another in place of the one of that name."""
        names = [one.name for one in self.sections]
        if section.name not in names:
            return replace(self, sections=(*self.sections, section))
        kept = [section if one.name == section.name else one for one in self.sections]
        return replace(self, sections=tuple(kept))

    def stored(self) -> bytes:
        """As JSON, whole."""
        return _adapter().dump_json(self)

    @classmethod
    def restored(cls, text: bytes) -> "Table":
        """What `stored` wrote.

        Raises:
            DataError: something else.
        """
        try:
            return _adapter().validate_json(text)
        except ValidationError as error:
            raise DataError(
                f"no stored table: {error.error_count()} entries are not as this version writes "
                "them; run all sections again"
            ) from error


@cache
def _adapter() -> TypeAdapter[Table]:
    return TypeAdapter(Table)
