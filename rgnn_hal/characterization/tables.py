"""Plain tables of numbers, tab- or comma-separated, gzip or not, checked row by row."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from rgnn_hal.characterization.quantity import Values
from rgnn_hal.macro import DataError

_LEAST_ROWS = 8


def read_table(path: Path, columns: tuple[str, ...]) -> Values:
    """Rows of `path` as (rows, columns), every value finite.

    Raises:
        DataError: too short, a damaged archive, a row of another width, or a value that is no
            finite number; the line is named.
    """
    separator = "," if ".csv" in path.name else "\t"
    rows = []
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        fields = line.split(separator)
        if len(fields) != len(columns):
            raise DataError(
                f"{path.name}, line {number}: {len(fields)} columns; "
                f"there must be {len(columns)}: {', '.join(columns)}"
            )
        rows.append([_number(field, path, number) for field in fields])
    if len(rows) < _LEAST_ROWS:
        raise DataError(f"{path.name} has {len(rows)} rows of data; give {_LEAST_ROWS} or more")
    return np.array(rows)


def positive(values: Values, path: Path, what: str) -> Values:
    """`values`, if all are above zero."""
    wrong = np.flatnonzero(~(values > 0))
    if wrong.size:
        raise DataError(
            f"{path.name}, row {wrong[0] + 1}: {what} {values[wrong[0]]:g} is not above zero "
            f"({wrong.size} such rows); remove them"
        )
    return values


def _lines(path: Path) -> list[str]:
    try:
        raw = path.read_bytes()
        if path.suffix == ".gz":
            raw = gzip.decompress(raw)
        return raw.decode("ascii").splitlines()
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError) as error:
        raise DataError(
            f"{path.name} is no complete table of text ({error}); copy it again"
        ) from error


def _number(field: str, path: Path, line: int) -> float:
    try:
        value = float(field)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(
            f"{path.name}, line {line}: {field.strip()!r} is no finite number; remove the line"
        )
    return value
