"""Hardware abstraction layer and reservoir runtime for resistive-memory matrix multiplication.

`open_macro(uri)` opens a macro behind any installed driver; everything above it is imported from
its own package (`rgnn_hal.programming`, `rgnn_hal.analog`, `rgnn_hal.tasks` ...), so that a driver
author's `import rgnn_hal` loads neither torch nor ASE.
"""

from rgnn_hal.macro import Macro, MacroSpec, Region, open_macro

__all__ = ["Macro", "MacroSpec", "Region", "open_macro"]
