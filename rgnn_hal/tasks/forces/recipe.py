"""Everything that decides a forces model, next to the data and the chip."""

import math
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from rgnn_hal.structures import RadialBasis

_PER_ELEMENT = 160
_MOST = 256
"""Channels of an unchosen width. Energy and forces of 512 atoms of Li3PO4 take 138, 166 and 188 us
per atom with 192, 256 and 320 channels, SchNet 189."""


class ForcesRecipe(BaseModel):
    """One set of choices for any chemistry.

    Chosen inside the training halves of rMD17 ethanol and aspirin, 3BPA, Li3PO4 and two elements.
    The costs of training and of predicting grow with the channels (`committee`); a shorter cutoff
    suits molecules, a longer one crystals.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    channels: Annotated[int | None, Field(ge=1, le=4096)] = None
    """Random channels per angular momentum: the width of the reservoir. By default it grows with
    the length of the vectors that are mixed; see `width`."""
    cutoff: Annotated[float, Field(gt=0.5, le=20)] = 5.0
    """Radius of an atom's environment, angstrom."""
    lmax: Annotated[int, Field(ge=0, le=6)] = 4
    """Highest angular momentum. Force errors for 3 and 4 at equal columns: ethanol 11.9 and 10.7
    meV/A; at 160 channels: Li3PO4 45.6 and 41.6. 4 takes 1.3 to 2.2 times as long to predict. Twice
    the channels with 3, about as fast as 4, one seed each: 11.0 and 9.8 for 300 frames of ethanol,
    22.4 and 22.1 for 900 of aspirin, 41.1 and 38.4 for Si, but 35.8 and 37.6 for Li3PO4."""
    radial: Annotated[int, Field(ge=1, le=64)] = 8
    """Radial functions per type of neighbour."""
    typed: bool = True
    """Whether atoms of an element are told apart by their bonded neighbours; see `AtomTypes`. 900
    frames of aspirin, 256 channels: 21.5 meV/A without, converged, and 15.8, in 1.3 times the time
    of a prediction for 24 molecules at once and 2.3 times for one. 150 frames of 3BPA, 96 channels:
    37.1 and 28.7, in 63 and 167 s of training."""
    focus: Annotated[float, Field(gt=0)] = 3.0
    """Distance from where neighbours count less, angstrom; see `RadialBasis`."""
    reads: Annotated[int, Field(ge=1, le=4096)] = 16
    """Reads averaged in every product on the macro."""
    fraction: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Fraction of the reservoir's cells that is formed."""
    energy_weight: Annotated[float, Field(gt=0)] = 1.0
    """Weight of one frame's energy residual (eV) against one force component's (eV/angstrom)."""
    valid_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Fraction of the frames that chooses the regularisation; refitted with the rest after."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Of the forming selection and of the validation split."""

    def most_types(self, macro: tuple[int, int]) -> int:
        """Types of atoms for which a macro of (rows, columns) has room; see `AtomTypes`."""
        if not self.typed:
            return 0
        bands = math.ceil((self.channels or _MOST) / max(1, macro[1] // 2))
        return macro[0] // (bands * self.radial * (self.lmax + 1))

    def width(self, elements: int, macro: tuple[int, int], *, types: int | None = None) -> int:
        """Channels for data of so many elements and types, on a macro of (rows, columns).

        Products of three densities span more dimensions the more elements there are, but what does
        not fit the macro is left out.
        """
        if self.channels is not None:
            return self.channels
        bands = macro[0] // ((types or elements) * self.radial * (self.lmax + 1))
        fitting = bands * (macro[1] // 2)  # a weight takes a pair of cells
        return min(_PER_ELEMENT * elements, _MOST, max(_PER_ELEMENT, fitting))

    @property
    def radial_basis(self) -> RadialBasis:
        """The radial functions."""
        return RadialBasis(self.cutoff, self.radial, focus=self.focus)
