"""Matrix products on macros: input coding, calibration, the digital twin, torch modules."""

from rgnn_hal.analog.calibration import TileCalibration, calibrate
from rgnn_hal.analog.coding import BitSerial, CodedInput, InputCoding, Multilevel, OffsetBitSerial
from rgnn_hal.analog.matrix import AnalogMatrix
from rgnn_hal.analog.module import AnalogLinear
from rgnn_hal.analog.staleness import twin_deviation
from rgnn_hal.analog.twin import DigitalTwin, read_twin

__all__ = [
    "AnalogLinear",
    "AnalogMatrix",
    "BitSerial",
    "CodedInput",
    "DigitalTwin",
    "InputCoding",
    "Multilevel",
    "OffsetBitSerial",
    "TileCalibration",
    "calibrate",
    "read_twin",
    "twin_deviation",
]
