"""Digital work is counted where torch executes it: no formula per layer that could be wrong.

    with count_work() as work:
        network(x)
    work.digital.macs, work.analog.conversions

Every operation that torch dispatches inside the block is seen, forward and backward alike, also in
torch's own kernels of autograd. What else is done there (products on a macro, products of NumPy's)
reports itself: see `rgnn_hal.cost.work`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from rgnn_hal.cost.operations import Operations
from rgnn_hal.cost.work import Work, recording


@contextmanager
def count_work() -> Iterator[Work]:
    """Count what this thread does, digital and analog, while the block runs."""
    with recording() as work, _Counter(work.digital):
        yield work


@contextmanager
def count_digital() -> Iterator[Operations]:
    """The digital part of that."""
    with count_work() as work:
        yield work.digital


class Sampled:
    """Torch's work over many similar tasks, counted for every 64th, which stands for the others.

    Counting every structure made training a small reservoir take 2.6 times as long.
    """

    def __init__(self, every: int = 64) -> None:
        self._every = every
        self._tasks = self._size = self._counted = 0
        self._work = Operations()

    @contextmanager
    def task(self, size: int = 1) -> Iterator[None]:
        """One of the tasks, in any one thread; its work grows with its `size`."""
        number, self._tasks, self._size = self._tasks, self._tasks + 1, self._size + size
        if number % self._every:
            yield
            return
        with _Counter(self._work):
            yield
        self._counted += size

    @property
    def total(self) -> Operations:
        """Of all tasks so far."""
        scaled = {
            name: round(count * self._size / max(self._counted, 1))
            for name, count in vars(self._work).items()
        }
        return Operations(**scaled)


_VECTOR_PRODUCTS = {"aten::mv", "aten::dot", "aten::addmv", "aten::vdot"}
"""Products that torch's own flop counter leaves out; their macs are those of the first operand."""

_SPECIAL = {
    f"aten::{name}"
    for name in (
        *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal"),
        *("sin", "cos", "tan", "atan2", "acos", "asin", "atan", "sinh", "cosh", "tanh", "erf"),
        *("sigmoid", "log_sigmoid_forward", "softplus", "silu", "gelu", "elu", "pow"),
        *("_softmax", "_log_softmax", "logsumexp", "linalg_vector_norm", "hypot"),
    )
}

_MOVES = {
    f"aten::{name}"
    for name in (
        *("copy_", "_to_copy", "clone", "cat", "stack", "index", "index_select", "gather"),
        *("zeros", "zeros_like", "ones", "ones_like", "full", "full_like", "fill_", "zero_"),
        *("arange", "empty", "empty_like", "new_zeros", "new_empty", "embedding", "repeat"),
        *("constant_pad_nd", "index_put_", "index_put", "slice_backward", "select_backward"),
    )
}


class _Counter(TorchDispatchMode):
    def __init__(self, work: Operations) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._work = work

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        name = func._schema.name
        inputs, outputs = list(_tensors((args, kwargs))), list(_tensors(out))
        if not outputs or (not name.endswith("_") and _is_view(inputs, outputs)):
            return out
        self._work.bytes += sum(t.numel() * t.element_size() for t in (*inputs, *outputs))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self._work.macs += formula(*args, **kwargs, out_val=out) // 2
        elif name in _VECTOR_PRODUCTS:
            self._work.macs += max(t.numel() for t in inputs)
        elif name.removesuffix("_") in _SPECIAL:
            self._work.special += prod(outputs[0].shape)
        elif name not in _MOVES and outputs[0].is_floating_point():
            # A reduction touches what goes in, everything else makes what comes out.
            self._work.elementary += max(t.numel() for t in (*inputs, *outputs))
        return out


def _tensors(values: Any) -> Iterator[torch.Tensor]:
    if isinstance(values, torch.Tensor):
        yield values
    elif isinstance(values, dict):
        yield from _tensors(tuple(values.values()))
    elif isinstance(values, tuple | list):
        for value in values:
            yield from _tensors(value)


def _is_view(inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> bool:
    storages = {t.untyped_storage().data_ptr() for t in inputs if t.numel()}
    return all(t.untyped_storage().data_ptr() in storages for t in outputs)
