"""The paper's force network by back-propagation on the frames that ours has learnt from."""

from collections.abc import Iterator, Sequence

from rgnn_hal.progress import Progress, silent
from rgnn_hal.reproduction.backpropagation import (
    Goal,
    Point,
    Training,
    is_judged,
    makers,
    run_down,
)
from rgnn_hal.structures import LabelledFrame
from rgnn_hal.tasks.xu2025 import ForceNetwork, LayerMaker
from rgnn_hal.tasks.xu2025.training import train_force_network

_MOST_EPOCHS = 100_000


def train_force_networks(
    elements: tuple[int, ...],
    training: Sequence[LabelledFrame],
    test: Sequence[LabelledFrame],
    goal: Goal,
    *,
    seconds: float,
    progress: Progress = silent,
) -> list[Training]:
    """Errors are mean absolute ones of force components, meV/Å."""

    def points(maker: LayerMaker) -> Iterator[Point]:
        for epoch in train_force_network(
            ForceNetwork(maker, elements),
            elements,
            training,
            test,
            epochs=_MOST_EPOCHS,
            judged=is_judged,
        ):
            yield Point(epoch.number, epoch.cpu_seconds, epoch.work, 1e3 * epoch.force_mae)

    return [
        run_down(label, points(maker), goal, seconds, progress) for label, maker in makers().items()
    ]
