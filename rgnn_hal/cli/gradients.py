"""How commands about forces go back through the reservoir: the option, and joining with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from rgnn_hal.cli.models import joined
from rgnn_hal.macro import ConfigurationError, LimitError, Macro
from rgnn_hal.progress import Progress

if TYPE_CHECKING:
    from rgnn_hal.reservoir import Gradients
    from rgnn_hal.tasks.forces import ForcesModel, Predictor

DEFAULT = "twin"

GradientsOption = Annotated[
    str,
    typer.Option(
        "--gradients",
        help="How forces go back through the chip. twin: by the weights as read back; no products, "
        "no noise. transpose: columns driven, rows sensed; (lmax+1)^2 products per atom, as many "
        "as the energy takes. tangents: forwards; 2 (lmax+1) products per edge, some ten times as "
        "many. The last two need no twin and are noisy.",
    ),
]


@contextmanager
def joined_forces(
    model: "ForcesModel",
    uri: str | None,
    twin: bool,
    reads: int | None,
    gradients: str,
    progress: Progress,
) -> Iterator[tuple["Predictor", str]]:
    """As `joined`; a twin that went stale in the meantime is an error at the end.

    Raises:
        LimitError: there is no such way.
        ConfigurationError: --twin with another way; the twin is stale.
        NotSupportedError: the macro cannot go back that way; nothing has happened to it.
    """
    from rgnn_hal.reservoir import GRADIENTS

    if gradients not in GRADIENTS:
        raise LimitError(f"--gradients {gradients!r} is none of {', '.join(GRADIENTS)}")
    if twin and gradients != DEFAULT:
        raise ConfigurationError("--twin uses no hardware; leave out --gradients")
    going = _Going(model, GRADIENTS[gradients])
    with joined(going, uri, twin, reads, progress) as (predictor, name):
        yield predictor.single(), name
        predictor.verify()


def refuse_gradients(gradients: str) -> None:
    """For tasks that have no forces.

    Raises:
        ConfigurationError: --gradients was given.
    """
    if gradients != DEFAULT:
        raise ConfigurationError("--gradients is for forces; this model is of another task")


@dataclass(frozen=True)
class _Going:
    """A model that will go back one way."""

    model: "ForcesModel"
    gradients: "Gradients"

    @property
    def macro_uri(self) -> str:
        return self.model.macro_uri

    def on_twin(self) -> "Predictor":
        return self.model.on_twin()

    def on_macro(self, macro: Macro, *, reads: int | None, progress: Progress) -> "Predictor":
        return self.model.on_macro(macro, reads=reads, gradients=self.gradients, progress=progress)
