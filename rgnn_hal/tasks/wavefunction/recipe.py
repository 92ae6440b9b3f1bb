"""Everything that decides a wavefunction, next to the molecule, the chip and the time."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_WIDE, _NARROW = (128, 256), (192, 96)
_FEW = 4


class WavefunctionRecipe(BaseModel):
    """One set of choices for any molecule, chosen on H2, He and Be."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    widths: Annotated[tuple[int, ...], Field(min_length=1, max_length=4)] | None = None
    """Outputs of every frozen layer; by default what `layers` says."""
    gains: tuple[float, ...] = (0.2, 0.3)
    """Standard deviation of what enters the tanh of every layer. Twice these made the variance of
    H2 twice as large, since what is missing from psi is smooth; much smaller ones drown in the
    noise of a chip."""
    walkers: Annotated[int, Field(ge=16, le=100_000)] = 1000
    """Walkers that move at once."""
    sweeps: Annotated[int, Field(ge=1, le=1000)] = 5
    """Moves of every electron between two samples."""
    iterations: Annotated[int, Field(ge=1, le=100)] = 10
    """Samples that the optimisation draws with features, at most."""
    samples: Annotated[int, Field(ge=400, le=1_000_000)] = 32_000
    """Walkers of the last of these samples; the first has a quarter of them."""
    reads: Annotated[int, Field(ge=1, le=1024)] = 2
    """Reads averaged in every product on the macro."""
    check_every: Annotated[int, Field(ge=1, le=1000)] | None = None
    """One in this many measured walkers is evaluated with the twin as well; by default a pilot
    chooses (`energy`)."""
    training_share: Annotated[float, Field(gt=0, lt=1)] = 0.4
    """Of the time, where time is limited."""
    fraction: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Fraction of the network's cells that is formed."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Of walkers, biases and forming."""

    def layers(self, electrons: int) -> tuple[int, ...]:
        """Outputs of every layer for so many electrons.

        256 features instead of 96 make the variance of H2 three times smaller; with many electrons
        cached features would fill the memory before there are walkers enough to train them.
        """
        if self.widths is not None:
            return self.widths
        return _WIDE if electrons <= _FEW else _NARROW

    @model_validator(mode="after")
    def _as_many_gains_as_layers(self) -> Self:
        layers = len(self.layers(1))
        if len(self.gains) != layers:
            raise ValueError(f"{len(self.gains)} gains do not fit {layers} layers")
        return self
