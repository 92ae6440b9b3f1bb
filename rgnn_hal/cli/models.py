"""What commands about models share: their options, and joining a model to a macro or its twin."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

import typer

from rgnn_hal.macro import ConfigurationError, LimitError, open_macro
from rgnn_hal.macro import Macro as OpenMacro
from rgnn_hal.progress import Progress

if TYPE_CHECKING:
    from pydantic import BaseModel

Macro = Annotated[str | None, typer.Option("--macro", help="Macro address.")]
Twin = Annotated[bool, typer.Option("--twin", help="Use the weights as read back, no hardware.")]
Reads = Annotated[int | None, typer.Option("--reads", help="Reads averaged per product.", min=1)]
Model = Annotated[Path, typer.Argument(help="Folder that `train` wrote.")]

P_co = TypeVar("P_co", covariant=True)
R = TypeVar("R", bound="BaseModel")


class Joinable(Protocol[P_co]):
    """A trained model of any task, `P_co` being what predicts."""

    @property
    def macro_uri(self) -> str:
        """Where its weights were formed."""
        ...

    def on_twin(self) -> P_co:
        """Without hardware."""
        ...

    def on_macro(self, macro: OpenMacro, *, reads: int | None, progress: Progress) -> P_co:
        """Through the hardware."""
        ...


@contextmanager
def joined(
    model: Joinable[P_co], uri: str | None, twin: bool, reads: int | None, progress: Progress
) -> Iterator[tuple[P_co, str]]:
    """A model joined to its twin or to a macro, by default the one it was trained on."""
    if twin:
        if uri is not None or reads is not None:
            raise ConfigurationError("--twin uses no hardware; leave out --macro and --reads")
        yield model.on_twin(), "twin"
        return
    address = uri or model.macro_uri
    with open_macro(address) as macro:
        yield model.on_macro(macro, reads=reads, progress=progress), address


def recipe_of(kind: type[R], chosen: Mapping[str, Any]) -> R:
    """A recipe with the options that were given (the rest are None) in place of its defaults.

    Raises:
        LimitError: naming the options that it refuses.
    """
    from pydantic import ValidationError

    try:
        return kind(**{name: value for name, value in chosen.items() if value is not None})
    except ValidationError as error:
        complaints = "; ".join(
            f"--{str(item['loc'][0]).replace('_', '-')} {item['input']}: {item['msg']}"
            for item in error.errors(include_url=False)
        )
        raise LimitError(complaints) from error


def use_one_torch_thread() -> None:
    """Torch's tensors here are small: on two cores a second thread doubles the training time."""
    import torch

    torch.set_num_threads(1)
