"""Atoms as graphs: frames of a file, neighbours within a cutoff, and the bases on their edges."""

from rgnn_hal.structures.atom_types import AtomTypes, TypeCensus, TypeWeights
from rgnn_hal.structures.frames import LabelledFrame, read_frames, read_structures
from rgnn_hal.structures.graph import Graph, build_graph, check_elements, join_graphs
from rgnn_hal.structures.harmonics import (
    angular_gradient,
    degrees,
    ladder,
    solid_harmonics,
    spherical_harmonics,
)
from rgnn_hal.structures.packed import pack_structures, unpack_structures
from rgnn_hal.structures.parts import FilePart, file_parts
from rgnn_hal.structures.radial import RadialBasis

__all__ = [
    "AtomTypes",
    "FilePart",
    "Graph",
    "LabelledFrame",
    "RadialBasis",
    "TypeCensus",
    "TypeWeights",
    "angular_gradient",
    "build_graph",
    "check_elements",
    "degrees",
    "file_parts",
    "join_graphs",
    "ladder",
    "pack_structures",
    "read_frames",
    "read_structures",
    "solid_harmonics",
    "spherical_harmonics",
    "unpack_structures",
]
