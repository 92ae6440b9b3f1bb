"""Linear readouts from mergeable statistics: composition baseline, Gram matrices, ridge."""

from rgnn_hal.readout.baseline import CompositionBaseline, CompositionStatistics
from rgnn_hal.readout.noise import NoiseStatistics
from rgnn_hal.readout.ridge import (
    DEFAULT_PATH,
    RidgeInverse,
    RidgeResult,
    RidgeTrial,
    fit_ridge,
    fit_ridge_at,
    solve_ridge,
)
from rgnn_hal.readout.shared import (
    SharedResult,
    SharedStatistics,
    SharedStatisticsBuilder,
    fit_shared,
)
from rgnn_hal.readout.statistics import Statistics, StatisticsBuilder

__all__ = [
    "DEFAULT_PATH",
    "CompositionBaseline",
    "CompositionStatistics",
    "NoiseStatistics",
    "RidgeInverse",
    "RidgeResult",
    "RidgeTrial",
    "SharedResult",
    "SharedStatistics",
    "SharedStatisticsBuilder",
    "Statistics",
    "StatisticsBuilder",
    "fit_ridge",
    "fit_ridge_at",
    "fit_shared",
    "solve_ridge",
]
