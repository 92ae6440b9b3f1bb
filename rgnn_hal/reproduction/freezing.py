"""What the paper saves by freezing most of its own networks, on the terms of its claim.

It says that training costs about 90 % less, which is the share of weights that are never trained.
Three ways to look, from what promises most to what a user would feel:

    weights       the share that stays as it was made
    one step      arithmetic left to the host, where the macro does the frozen products and no
                  gradient passes them, as in the paper's code
    equal error   what either network takes until its error is one that both have reached

Our own way to train, a linear solve, is compared in `backpropagation`.
"""

import torch

from rgnn_hal.cost.work import Work
from rgnn_hal.reproduction import paper
from rgnn_hal.reproduction.backpropagation import Point, Training, saved
from rgnn_hal.reproduction.cell import Quoted, Watch
from rgnn_hal.reproduction.table import Draft


def add_freezing(
    draft: Draft,
    watch: Watch,
    network: torch.nn.Module,
    claim: Quoted,
    whole: Training,
    frozen: Training,
) -> None:
    """All rows for one of the paper's networks, by the epochs of both ways to train it.

    Args:
        draft: what grows.
        watch: of both trainings.
        network: with its frozen layers.
        claim: the share of its weights that the paper leaves untrained.
        whole: all layers trained.
        frozen: the reservoir in a macro's place.
    """
    add_untrained(draft, watch, network, claim)
    add_step(draft, watch, "an epoch", whole.points[0].work, frozen.points[0].work)
    _add_equal_error(draft, watch, whole, frozen)


def add_untrained(draft: Draft, watch: Watch, network: torch.nn.Module, claim: Quoted) -> None:
    """A row of the share of weights that `network`, with its frozen layers, never trains."""
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    frozen = sum(p.numel() for p in network.parameters() if not p.requires_grad)
    cell = watch.measured(
        100 * frozen / (frozen + trained),
        "%",
        remark=f"{frozen:,} frozen and {trained:,} trained numbers of our rebuild",
    )
    draft.add("training", "weights left untrained, the paper's network", claim, cell)


def add_step(draft: Draft, watch: Watch, what: str, whole: Work, frozen: Work) -> None:
    """A row of the host's arithmetic for the same piece of training, the paper's network."""
    ours, theirs = frozen.digital.arithmetic, whole.all_digital.arithmetic
    cell = watch.measured(
        saved(ours, theirs),
        "% less",
        remark=(
            f"{ours:.3g} operations against {theirs:.3g}; the frozen products, "
            f"{frozen.analog.multiplications:.3g} multiply-accumulates, are the macro's"
        ),
    )
    words = f"host's operations of {what}, the paper's network frozen against all trained"
    draft.add("training", words, paper.TRAINING, cell, headline=True)


def _add_equal_error(draft: Draft, watch: Watch, whole: Training, frozen: Training) -> None:
    """Rows of what both take to the smallest error that both have reached."""
    error = max(min(point.error for point in one.points) for one in (whole, frozen))
    (before, there), (their_before, their_there) = (one.passage(error) for one in (frozen, whole))
    where = f"to equal error, {error:.3g} {whole.goal.unit}"
    for words, cost, headline in (
        (f"host's operations {where}", _host_operations, True),
        (f"CPU time {where}, frozen products by this processor", _seconds, False),
    ):
        ours, theirs = cost(there), cost(their_there)
        cell = watch.measured(
            saved(ours, theirs),
            "% less",
            (saved(ours, cost(their_before)), saved(cost(before), theirs)),
            remark=(
                f"{ours:.3g} in {there.epoch} epochs against {theirs:.3g} in "
                f"{their_there.epoch}; interval: errors are looked at now and then; below zero, "
                "the frozen network takes more"
            ),
        )
        what = f"{words}, the paper's network frozen against all trained"
        draft.add("training", what, paper.TRAINING, cell, headline=headline)


def _host_operations(point: Point) -> float:
    return point.work.digital.arithmetic


def _seconds(point: Point) -> float:
    return point.cpu_seconds
