"""Training cost: the paper's network by back-propagation against our readout in closed form.

Both see the same frames and are judged on the same others. The network trains until its error is
ours, or until its time is over; then what it has cost so far bounds what it would cost from below.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rgnn_hal.progress import Progress, silent
from rgnn_hal.reproduction.chart import Curves, Series
from rgnn_hal.structures import LabelledFrame
from rgnn_hal.tasks.xu2025 import ForceNetwork, LayerMaker, random_layer, trained_layer
from rgnn_hal.tasks.xu2025.training import Epoch, train_force_network

_MOST_EPOCHS = 100_000


@dataclass(frozen=True)
class Training:
    """A network's way down."""

    label: str
    epochs: tuple[Epoch, ...]
    reached: bool
    """Whether its error came down to the one asked for."""

    @property
    def last(self) -> Epoch:
        """Where it stopped."""
        return self.epochs[-1]

    @property
    def operations(self) -> int:
        """All arithmetic until there."""
        work = self.last.work
        return work.macs + work.special + work.elementary

    @property
    def state(self) -> str:
        """In words."""
        seconds, epochs = self.last.cpu_seconds, self.last.number
        if self.reached:
            return f"at our error after {seconds:.0f} s, {epochs} epochs"
        error = 1e3 * self.last.force_mae
        return f"still at {error:.0f} meV/Å after {seconds:.0f} s, {epochs} epochs"


def train_networks(
    elements: tuple[int, ...],
    training: Sequence[LabelledFrame],
    test: Sequence[LabelledFrame],
    *,
    target: float,
    seconds: float,
    progress: Progress = silent,
) -> list[Training]:
    """The network with all its layers trained, and with its reservoir frozen; `target` in eV/Å."""
    makers: dict[str, LayerMaker] = {
        "back-propagation, all layers trained": trained_layer(0),
        "back-propagation, reservoir frozen": random_layer(0),
    }
    found = []
    for label, maker in makers.items():
        epochs: list[Epoch] = []
        network = ForceNetwork(maker, elements)
        for epoch in train_force_network(network, elements, training, test, epochs=_MOST_EPOCHS):
            epochs.append(epoch)
            progress(min(int(epoch.cpu_seconds), int(seconds)), int(seconds), label)
            if epoch.force_mae <= target or epoch.cpu_seconds >= seconds:
                break
        found.append(Training(label, tuple(epochs), epochs[-1].force_mae <= target))
    return found


def training_chart(trainings: Sequence[Training], seconds: float, error: float) -> Curves:
    """Error (eV/Å) over CPU time, and where the closed form stands."""
    curves = [
        Series(
            one.label,
            [epoch.cpu_seconds for epoch in one.epochs],
            [1e3 * epoch.force_mae for epoch in one.epochs],
            line=True,
            group=number,
        )
        for number, one in enumerate(trainings)
    ]
    ours = Series("closed form, one solve", [seconds], [1e3 * error], group=len(curves))
    return Curves(
        "Training cost on equal data",
        "CPU time (s)",
        "force MAE of unseen frames (meV/Å)",
        (*curves, ours),
        x_log=True,
        y_log=True,
    )
