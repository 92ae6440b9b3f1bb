"""Fixed random layers: features of atomic environments and their exact derivatives."""

from rgnn_hal.reservoir.centring import DensityStatistics
from rgnn_hal.reservoir.design import DesignRows, design_rows, energy_rows
from rgnn_hal.reservoir.design_forces import force_rows
from rgnn_hal.reservoir.expansion import EdgeBasis, edge_basis, expand
from rgnn_hal.reservoir.gradients import GRADIENTS, TANGENTS, TRANSPOSED, TWIN, Gradients
from rgnn_hal.reservoir.invariants import Invariants, invariants
from rgnn_hal.reservoir.layer import Reservoir
from rgnn_hal.reservoir.mixing import DigitalMixing, Mixing
from rgnn_hal.reservoir.prediction import Prediction, Readout, predict

__all__ = [
    "GRADIENTS",
    "TANGENTS",
    "TRANSPOSED",
    "TWIN",
    "DensityStatistics",
    "DesignRows",
    "DigitalMixing",
    "EdgeBasis",
    "Gradients",
    "Invariants",
    "Mixing",
    "Prediction",
    "Readout",
    "Reservoir",
    "design_rows",
    "edge_basis",
    "energy_rows",
    "expand",
    "force_rows",
    "invariants",
    "predict",
]
