"""Everything that decides a wavefunction, next to the molecule, the chip and the time."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class WavefunctionRecipe(BaseModel):
    """One set of choices for any molecule, chosen on He, H2, Be and LiH."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    widths: Annotated[tuple[int, ...], Field(min_length=1, max_length=4)] = (192, 96)
    """Outputs of every frozen layer."""
    gains: tuple[float, ...] = (0.4, 0.6)
    """Standard deviation of what enters the tanh of every layer."""
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

    @model_validator(mode="after")
    def _as_many_gains_as_layers(self) -> Self:
        if len(self.gains) != len(self.widths):
            raise ValueError(f"{len(self.gains)} gains do not fit {len(self.widths)} layers")
        return self
