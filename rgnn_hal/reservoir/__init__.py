"""Fixed random layers: features of atomic environments and their exact derivatives."""

from rgnn_hal.reservoir.centring import DensityStatistics
from rgnn_hal.reservoir.design import DesignRows, design_rows
from rgnn_hal.reservoir.expansion import EdgeBasis, edge_basis, expand
from rgnn_hal.reservoir.invariants import Invariants, invariants
from rgnn_hal.reservoir.layer import Reservoir
from rgnn_hal.reservoir.mixing import DigitalMixing, Mixing
from rgnn_hal.reservoir.prediction import Prediction, predict

__all__ = [
    "DensityStatistics",
    "DesignRows",
    "DigitalMixing",
    "EdgeBasis",
    "Invariants",
    "Mixing",
    "Prediction",
    "Reservoir",
    "design_rows",
    "edge_basis",
    "expand",
    "invariants",
    "predict",
]
