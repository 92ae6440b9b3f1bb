"""The table: rows of the paper's claims beside ours, in sections that stand for themselves.

A table is a value that a file can hold: `stored` writes all of it as JSON and `restored` reads it
back, so that sections of several runs can share one report.
"""

from dataclasses import dataclass, field, replace
from functools import cache

from pydantic import TypeAdapter, ValidationError

from rgnn_hal.macro.errors import DataError
from rgnn_hal.reproduction.cell import Cell, Missing
from rgnn_hal.reproduction.chart import Chart

_GAINS, _ERRORS = {"x", "%", "% less"}, {"meV/Å", "meV", "mhartree"}
"""Units of numbers that are better the larger they are, or the smaller; of others nothing is said,
as of total energies."""


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

    @property
    def reached(self) -> str:
        """Whether ours is as good as the paper's: yes, within error, open, no, or nothing to say.

        Gains are better the larger they are, errors the smaller. It is open where ours is only
        known to be better than a number that falls short, or worse than one that does not.
        """
        paper, ours = self.paper, self.ours
        if isinstance(paper, Missing) or isinstance(ours, Missing) or paper.unit != ours.unit:
            return ""
        if ours.unit not in _GAINS | _ERRORS:
            return ""
        gain = ours.unit in _GAINS
        enough = ours.value >= paper.value if gain else abs(ours.value) <= abs(paper.value)
        if ours.bound == ("at most" if enough else "at least"):
            return "open"
        if enough:
            return "yes"
        ends = ours.interval or (ours.value, ours.value)
        best = max(ends) >= paper.value if gain else min(map(abs, ends)) <= abs(paper.value)
        return "within error" if best else "no"


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
