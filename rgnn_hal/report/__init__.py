"""Results as pictures and arrays, for people to look at."""

from rgnn_hal.report.bands import bands_plot
from rgnn_hal.report.conductance import conductance_plot, forming_report, programming_report
from rgnn_hal.report.dynamics import dynamics_plot
from rgnn_hal.report.energy_curve import energy_curve_plot
from rgnn_hal.report.pareto import Floor, TradeOff, pareto_plot
from rgnn_hal.report.parity import parity_plot

__all__ = [
    "Floor",
    "TradeOff",
    "bands_plot",
    "conductance_plot",
    "dynamics_plot",
    "energy_curve_plot",
    "forming_report",
    "pareto_plot",
    "parity_plot",
    "programming_report",
]
