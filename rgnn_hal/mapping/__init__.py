"""Weights are not conductances: differential schemes, and tiles that place matrices on macros."""

from rgnn_hal.mapping.schemes import NEIGHBOUR, PAIR, REFERENCE, SCHEMES, Scheme
from rgnn_hal.mapping.tiles import Placement, Site, Tile, place

__all__ = [
    "NEIGHBOUR",
    "PAIR",
    "REFERENCE",
    "SCHEMES",
    "Placement",
    "Scheme",
    "Site",
    "Tile",
    "place",
]
