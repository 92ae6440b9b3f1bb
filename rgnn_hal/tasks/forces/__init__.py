"""Atomic forces: energies and their exact derivatives from a random tensor-reduced ACE reservoir.

`train_forces` scans the data, freezes a reservoir in a macro, sends every frame through it once and
solves for the readout. `ForcesModel` predicts, `evaluate_forces` compares with labels, and an
artefact on disk keeps all that a later session needs.
"""

from rgnn_hal.tasks.forces.artefact import load_model, save_model
from rgnn_hal.tasks.forces.calculator import ForcesCalculator
from rgnn_hal.tasks.forces.dataset import DataSummary, scan
from rgnn_hal.tasks.forces.dynamics import Ensemble, Trajectory, run_dynamics
from rgnn_hal.tasks.forces.evaluation import Evaluation, evaluate_forces
from rgnn_hal.tasks.forces.extrapolation import ExtrapolationWarning
from rgnn_hal.tasks.forces.kept import KeptStatistics, load_statistics
from rgnn_hal.tasks.forces.model import ForcesModel, Predictor
from rgnn_hal.tasks.forces.prediction import predict_file
from rgnn_hal.tasks.forces.recipe import ForcesRecipe
from rgnn_hal.tasks.forces.training import TrainingResult, train_forces

__all__ = [
    "DataSummary",
    "Ensemble",
    "Evaluation",
    "ExtrapolationWarning",
    "ForcesCalculator",
    "ForcesModel",
    "ForcesRecipe",
    "KeptStatistics",
    "Predictor",
    "TrainingResult",
    "Trajectory",
    "evaluate_forces",
    "load_model",
    "load_statistics",
    "predict_file",
    "run_dynamics",
    "save_model",
    "scan",
    "train_forces",
]
