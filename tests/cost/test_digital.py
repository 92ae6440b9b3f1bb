"""Counters equal what a hand would count."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from rgnn_hal.cost import Operations
from rgnn_hal.cost.digital import Sampled, count_digital

sizes = st.integers(1, 12)


@given(sizes, sizes, sizes)
def test_a_matrix_product_counts_its_multiplications(n: int, m: int, k: int) -> None:
    with count_digital() as work:
        torch.ones(n, k) @ torch.ones(k, m)
    assert work.macs == n * m * k


@given(sizes, sizes)
def test_a_linear_layer_trains_with_three_products(batch: int, width: int) -> None:
    layer = torch.nn.Linear(width, width, bias=False)
    x = torch.ones(batch, width, requires_grad=True)
    with count_digital() as forward:
        y = layer(x)
    with count_digital() as backward:
        y.sum().backward()
    assert forward.macs == batch * width * width
    assert backward.macs == 2 * batch * width * width  # for the input and for the weights


@given(st.integers(2, 12), st.integers(2, 12))  # torch multiplies by element where a sum is trivial
def test_contractions_and_vector_products_count_alike(n: int, k: int) -> None:
    with count_digital() as work:
        torch.einsum("nk,mk->nm", torch.ones(n, k), torch.ones(3, k))
        torch.ones(n, k) @ torch.ones(k)
        torch.ones(k) @ torch.ones(k)
    assert work.macs == 3 * n * k + n * k + k


@given(sizes)
def test_special_functions_and_elementary_operations_count_by_element(n: int) -> None:
    x = torch.ones(n, 3)
    with count_digital() as work:
        torch.tanh(x)
        torch.exp(x) + x
        x.sum()
    assert (work.macs, work.special, work.elementary) == (0, 6 * n, 6 * n)


@given(sizes)
def test_moving_is_no_arithmetic_but_moves_bytes(n: int) -> None:
    x = torch.ones(n, 4)
    with count_digital() as work:
        x.T.reshape(-1)  # a copy, because of the transposition, unless it is one row
        x[:, :2].view(n, 2, 1)
    assert work.macs == work.special == work.elementary == 0
    assert work.bytes in (0, 2 * 16 * n)


def test_totals_add_and_nested_counts_both_see_the_work() -> None:
    with count_digital() as outer:
        torch.ones(2, 2) @ torch.ones(2, 2)
        with count_digital() as inner:
            torch.ones(3, 3) @ torch.ones(3, 3)
    assert (inner.macs, outer.macs) == (27, 35)
    assert (inner + outer).macs == 62
    assert Operations() + inner == inner


@given(st.integers(0, 20), st.integers(1, 5))
def test_alike_tasks_are_counted_now_and_then_and_add_up(tasks: int, every: int) -> None:
    sampled = Sampled(every)
    for _ in range(tasks):
        with sampled.task():
            torch.ones(2, 3) @ torch.ones(3, 4)
    assert sampled.total.macs == tasks * 24


@given(st.lists(st.integers(1, 5), max_size=20), st.integers(1, 5))
def test_tasks_of_different_sizes_count_by_their_size(sizes: list[int], every: int) -> None:
    sampled = Sampled(every)
    for size in sizes:
        with sampled.task(size):
            torch.ones(size, 3) @ torch.ones(3, 4)
    assert sampled.total.macs == sum(sizes) * 12
