"""Edges that leave an end of an edge: the triples of message passing between edges, as lists."""

import torch
from torch import Tensor

from rgnn_hal.structures import Graph


def edges_from(graph: Graph, end: Tensor) -> tuple[Tensor, Tensor]:
    """For every edge e of `graph`, every edge f whose centre is atom `end[e]`.

    Two index lists (pairs,), e and f, sorted by e. With `end = graph.neighbour` these are the
    triples i -> j -> k, with `end = graph.centre` the edges around the same atom, e itself too.
    """
    degree = torch.bincount(graph.centre, minlength=graph.atoms)
    first = torch.cumsum(degree, 0) - degree
    repeats = degree[end]
    edge = torch.repeat_interleave(torch.arange(len(end)), repeats)
    within = torch.arange(len(edge)) - (torch.cumsum(repeats, 0) - repeats)[edge]
    # Edges are sorted by centre, so those that leave an atom are neighbours in the list.
    return edge, first[end][edge] + within


def summed(values: Tensor, index: Tensor, size: int) -> Tensor:
    """Rows of `values` (n, width) summed by `index` (n,) into (size, width)."""
    return values.new_zeros(size, values.shape[1]).index_add(0, index, values)
