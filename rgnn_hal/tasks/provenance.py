"""Where a model comes from: what every task writes into the record of its artefact."""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from rgnn_hal.macro import Macro


class Scanned(Protocol):
    """What a first pass over a file has found."""

    @property
    def sha256(self) -> str:
        """Of the file."""
        ...

    @property
    def frames(self) -> int:
        """Structures in it."""
        ...

    @property
    def atoms(self) -> int:
        """Of all of them."""
        ...


def provenance(path: Path, data: Scanned, macro: Macro) -> dict[str, Any]:
    """The data, the macro and the versions of what has worked on them, as JSON has it."""
    return {
        "data": {
            "file": path.name,
            "sha256": data.sha256,
            "frames": data.frames,
            "atoms": data.atoms,
        },
        "macro": macro.spec.model_dump(mode="json"),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": str(torch.__version__),
            "rgnn_hal": version("rgnn-hal"),
        },
    }
