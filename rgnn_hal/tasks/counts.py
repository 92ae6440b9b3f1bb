"""What a model's inference and its training took, counted while they ran and kept in the artefact.

The inference is that of one training structure, through the macro, at the reads of the model. The
structure is kept too, so that the same inference can be run again: at other reads, or digitally.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ase
import numpy as np

from rgnn_hal.cost import Ledger, Operations, Work
from rgnn_hal.macro import DataError

_KEY = "counts"


@dataclass(frozen=True)
class Counts:
    """Counted work of one model."""

    structure: ase.Atoms
    """What the inference was of."""
    inference: Work
    training: Work
    """Of all structures, with forming, reading back, calibrating, validating and solving; torch's
    part is `Sampled`, all the rest is counted."""

    def describe(self) -> dict[str, Any]:
        """As an entry of an artefact's record."""
        atoms = self.structure
        structure = {
            "numbers": atoms.numbers.tolist(),
            "positions": atoms.positions.tolist(),
            "cell": atoms.cell.array.tolist(),
            "pbc": atoms.pbc.tolist(),
        }
        return {
            _KEY: {
                "structure": structure,
                "inference": _describe(self.inference),
                "training": _describe(self.training),
            }
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "Counts":
        """What a model's record holds.

        Raises:
            DataError: the model was trained before counts were kept.
        """
        try:
            kept = record[_KEY]
            return cls(
                structure=ase.Atoms(**kept["structure"]),
                inference=_restore(kept["inference"]),
                training=_restore(kept["training"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                "this model holds no counts of its work; train it again with this version"
            ) from error


def _describe(work: Work) -> dict[str, Any]:
    return {
        part: {name: np.asarray(count).item() for name, count in vars(counts).items()}
        for part, counts in (("analog", work.analog), ("digital", work.digital))
    }


def _restore(kept: Mapping[str, Any]) -> Work:
    return Work(Ledger(**kept["analog"]), Operations(**kept["digital"]))
