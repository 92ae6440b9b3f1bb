"""Hamiltonians: electronic structure in an atomic basis, from a frozen equivariant reservoir.

`train_hamiltonian` scans the data, freezes a reservoir in a macro, sends every frame through it
once and solves one ridge per pair of elements and angular momentum. `HamiltonianModel` predicts H
and S, `evaluate_hamiltonian` compares with labels, and an artefact keeps all that a later session
needs. What follows from H (levels, bands, fillings, exports) stands beside, for data and
predictions alike.
"""

from rgnn_hal.tasks.hamiltonian.artefact import load_model, save_model
from rgnn_hal.tasks.hamiltonian.dataset import HamiltonianFile, HamiltonianFrame
from rgnn_hal.tasks.hamiltonian.evaluation import Evaluation, evaluate_hamiltonian
from rgnn_hal.tasks.hamiltonian.model import HamiltonianModel, Predictor
from rgnn_hal.tasks.hamiltonian.orbitals import Convention, OrbitalBasis
from rgnn_hal.tasks.hamiltonian.pairlist import PairList
from rgnn_hal.tasks.hamiltonian.prediction import predict_file, write_crystals
from rgnn_hal.tasks.hamiltonian.recipe import HamiltonianRecipe
from rgnn_hal.tasks.hamiltonian.scan import DataSummary, scan
from rgnn_hal.tasks.hamiltonian.training import TrainingResult, train_hamiltonian

__all__ = [
    "Convention",
    "DataSummary",
    "Evaluation",
    "HamiltonianFile",
    "HamiltonianFrame",
    "HamiltonianModel",
    "HamiltonianRecipe",
    "OrbitalBasis",
    "PairList",
    "Predictor",
    "TrainingResult",
    "evaluate_hamiltonian",
    "load_model",
    "predict_file",
    "save_model",
    "scan",
    "train_hamiltonian",
    "write_crystals",
]
