"""`smu-matrix://?config=bench.toml`: a probed array, source-measure units and a relay matrix.

A small 1T1R array on a probe station with three source-measure channels: one drives a line, one
holds the crossing line at zero volts and measures what flows into it, one opens the row's gates; a
switching matrix, of one mainframe or of several with joined rows, connects them to one cell after
the other. All other lines float (`Programs`). `config` says what stands in the file.

*Products are superpositions.* `read` measures every cell of the region at every vector's voltage
for its line, then and there, and adds the currents up on the host:

    current[b, c] = sum over r of I(r, c; voltage[b, r]) - I(nothing connected)

so readings are real, and vectors of a batch have noise of their own. Cells are ohmic within the
read window or they are not: each contributes what it conducts at its own voltage, as on shared
lines of no resistance. What superposition leaves out is what lines do to each other when all are
driven at once: drops along wires and in the sense input (below 1 mV, data sheet) and currents that
sneak through half-selected cells. A line at exactly 0 V is not measured; it would add noise only.
`apply` latches on the host and asks the instruments whether they are well: between verbs nothing
is driven, all outputs are off and all relays open, and that is what grounded means here.

*Pulses* go cell by cell as trains of the instrument's own timing (`PulseVMeasureI`), RESET with
drive and sense exchanged. Voltage, gate and width are as the spec has them; between pulses of a
train the cell rests for as long as they last.

*Compliance.* A reading in compliance or overflow, or a train whose last pulse was in compliance,
raises `DeviceError` and is never data. Cells after it in the same script have had their pulses.

*Failure.* The error queue is read after every exchange. Scripts run on the instrument to their end,
which switches off: a connection that breaks while one runs leaves the array grounded, and `safe`
connects anew. Two sources never share a line and no relay moves under voltage: the order of the
programs, the matrix's break-before-make rule (verified when opening) and assertions in the scripts
see to that. Processes of this computer exclude each other by a lock on each resource.

Reads take `rows * cols * (relays + batch * samples * integration)`: seconds to minutes on a bench.
"""

from rgnn_hal_drivers.smu_matrix.config import BenchConfig
from rgnn_hal_drivers.smu_matrix.driver import SmuMatrixDriver

__all__ = ["BenchConfig", "SmuMatrixDriver"]
