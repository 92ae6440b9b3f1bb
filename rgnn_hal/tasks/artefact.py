"""Artefacts on disk: a folder with `model.json` for people and `arrays.safetensors` for numbers.

What a prediction does not need stands in `statistics.safetensors`, if it was kept at all.

The folder is written beside its destination and renamed into place, so that a full disk or Ctrl-C
leaves either the old artefact or the new one, never half of one. Nothing is ever unpickled.
"""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from rgnn_hal.macro import ConfigurationError, DataError

_JSON = "model.json"
_ARRAYS = "arrays.safetensors"
_KEPT = "statistics.safetensors"
_VERSION = 2
"""Of the columns that readouts are for: 2 has invariants of fourth order and no cubic products."""

TASKS = ("forces", "hamiltonian")
"""That commands for models of any task know."""

Arrays = dict[str, NDArray[Any]]


def check_destination(folder: Path) -> None:
    """Refuse, before any work, a destination that could not or should not be written.

    Raises:
        ConfigurationError: something that is not an artefact stands there.
        OSError: the folder above cannot be made.
    """
    if folder.exists() and not (folder / _JSON).is_file():
        raise ConfigurationError(
            f"{folder} exists and is no model of rgnn_hal; choose another --out or remove it"
        )
    folder.absolute().parent.mkdir(parents=True, exist_ok=True)


def save_artefact(
    folder: Path,
    task: str,
    description: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    kept: Mapping[str, NDArray[Any]] | None = None,
) -> None:
    """Write an artefact of `task`, replacing an older artefact at the same place.

    `kept` is what `load_kept` gives back.

    Raises:
        ConfigurationError: something else stands there.
        OSError: the disk is full or not writable; what stood there before is intact.
    """
    check_destination(folder)
    target = folder.absolute()
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        _save_arrays(arrays, draft / _ARRAYS)
        if kept is not None:
            _save_arrays(kept, draft / _KEPT)
        head = {"format": f"rgnn_hal {task}", "version": _VERSION}
        (draft / _JSON).write_text(json.dumps({**head, **description}, indent=2) + "\n")
        draft.chmod(0o755)
        if target.exists():
            # rename() cannot replace a folder that holds files.
            old = target.rename(draft.with_name(f"{draft.name}-old"))
            draft.rename(target)
            shutil.rmtree(old)
        else:
            draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def task_of(folder: Path, tasks: Sequence[str] = TASKS) -> str:
    """Which of `tasks` a model was trained for.

    Raises:
        DataError: missing, damaged or of a task that this version does not know.
    """
    form = _read_description(folder).get("format")
    for task in tasks:
        if form == f"rgnn_hal {task}":
            return task
    raise DataError(f"{folder} is no model of a task known here: its format is {form!r}")


def load_artefact(folder: Path, task: str) -> tuple[dict[str, Any], Arrays]:
    """The description and the arrays of an artefact of `task`.

    Raises:
        DataError: missing, damaged, of another task or of another version.
    """
    description = _read_description(folder)
    if description.get("format") != f"rgnn_hal {task}":
        raise DataError(f"{folder} holds no {task} model; its {_JSON} names another format")
    if description.get("version") != _VERSION:
        raise DataError(
            f"{folder} has format version {description.get('version')!r}, this rgnn_hal reads "
            f"version {_VERSION}; train it again with this version"
        )
    return description, _load_arrays(folder, _ARRAYS)


def load_kept(folder: Path) -> Arrays | None:
    """What a prediction does not need; None if nothing was kept.

    Raises:
        DataError: damaged.
    """
    return _load_arrays(folder, _KEPT) if (folder / _KEPT).is_file() else None


def _save_arrays(arrays: Mapping[str, NDArray[Any]], path: Path) -> None:
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)


def _load_arrays(folder: Path, name: str) -> Arrays:
    try:
        return load_file(folder / name)
    except SafetensorError as error:
        raise DataError(f"{folder} is no readable model ({error}); train it again") from error


def _read_description(folder: Path) -> dict[str, Any]:
    for name in (_JSON, _ARRAYS):
        if not (folder / name).is_file():
            raise DataError(
                f"{folder} is no model: {name} is missing; give the folder that "
                "`rgnn-hal train ... --out` wrote"
            )
    try:
        description = json.loads((folder / _JSON).read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{folder} is no readable model ({error}); train it again") from error
    if not isinstance(description, dict):
        raise DataError(f"{folder} is no readable model: {_JSON} is no object; train it again")
    return description
