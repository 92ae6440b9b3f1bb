"""Cells seen through the wires: what a product multiplies with where lines resist.

A product activates the word lines of its window's rows; the cells of all other rows are cut off by
their transistors and leave only their stretch of metal. Columns outside of the window are held at
0 V and draw current all the same. So a read of fewer rows loses less, a read of fewer columns does
not, and one transfer matrix serves every window of the same rows, driven from either side.

It is computed once for the conductances that the last pulse left, G_0. What cells do by themselves
after that (relaxation, slow noise) enters to first order, and so does the noise of single samples:

    T(t) = T(G_0) + g (G(t) - G_0),    g = dT / dG of each cell (`ladder`)

The cubic part of a cell's current weighs g^2: the cube of the share of the voltage that the cell
sees, and its way out, either taken as the root of g. The result does not depend on when the matrix
was computed. A cell that is read by itself, with all other lines floating, has a few ohms in
series: less than 1 % of what it resists, neglected.
"""

from collections import OrderedDict
from dataclasses import dataclass

from rgnn_hal_firmware.conduction import Conduction
from rgnn_hal_firmware.ladder import noise_gain
from rgnn_hal_firmware.parameters import ChipParameters, WireParameters
from rgnn_hal_firmware.topology import Contacts, Values, Wire, Wiring
from rgnn_hal_firmware.window import Window

_CACHED_CELLS = 1 << 19
_CALLER = 11
"""Stack levels from here to whoever multiplies on a macro."""


@dataclass(frozen=True)
class Seen:
    """Cells as their contacts see them, at rest; arrays are (rows, columns)."""

    at_rest: Values
    """Conductance of the cells themselves, S."""
    transfer: Values
    """Transfer conductance, S."""
    gain: Values
    """dT / dG, 0 ... 1."""

    def now(self, conductance: Values) -> Values:
        """Transfer conductance while the cells have `conductance`, S."""
        return self.transfer + self.gain * (conductance - self.at_rest)

    def inside(self, cols: slice) -> "Seen":
        """Some columns."""
        return Seen(self.at_rest[:, cols], self.transfer[:, cols], self.gain[:, cols])


class Crossbar:
    """One chip's cells between their contacts: wires, and how cells conduct."""

    def __init__(self, parameters: ChipParameters) -> None:
        self._shape = parameters.array.rows, parameters.array.cols
        self._conduction = Conduction(parameters)
        self._wiring = _wiring(parameters.wires)
        self._seen: OrderedDict[tuple[int, int], Seen] = OrderedDict()

    @property
    def ideal(self) -> bool:
        """Whether a product multiplies with the cells' conductances and nothing else."""
        return self._wiring is None and self._conduction.ohmic

    def parts(
        self, present: Values, at_rest: Values, window: Window
    ) -> tuple[Values, Values | None]:
        """Linear (S) and cubic (S / V^2) part of what products of `window` multiply with.

        Warns where a read of all rows of `window` at once is not physical.

        Args:
            present: conductance of the window's cells now, S.
            at_rest: of all cells of the chip, as the last pulse left them, S.
            window: cells of the product.
        """
        linear, cubic = self._split(present)
        if self._wiring is not None:
            seen = self._through_wires(at_rest, window)
            linear = seen.now(linear)
            cubic = None if cubic is None else cubic * seen.gain**2
        return linear, cubic

    def variance(self, variance: Values, at_rest: Values, window: Window) -> Values:
        """Of each element of the linear part, from that of the window's cells, S^2."""
        if self._wiring is None:
            return variance
        return variance * self._through_wires(at_rest, window).gain ** 2

    def forget(self) -> None:
        """Conductances have changed."""
        self._seen.clear()

    def _split(self, conductance: Values) -> tuple[Values, Values | None]:
        if self._conduction.ohmic:
            return conductance, None
        return self._conduction.split(conductance)

    def _through_wires(self, at_rest: Values, window: Window) -> Seen:
        key = window.row_start, window.row_stop
        if key not in self._seen:
            self._seen[key] = self._solve(at_rest, window)
            cells = sum(seen.at_rest.size for seen in self._seen.values())
            while cells > _CACHED_CELLS and len(self._seen) > 1:
                cells -= self._seen.popitem(last=False)[1].at_rest.size
        self._seen.move_to_end(key)
        return self._seen[key].inside(window.slices[1])

    def _solve(self, at_rest: Values, window: Window) -> Seen:
        # scipy.linalg and scipy.sparse take 15 MB, for chips with wires only.
        from rgnn_hal_firmware.wires import transfer_matrix, warn_of_signal_loss

        assert self._wiring is not None
        rows = window._replace(col_start=0, col_stop=self._shape[1])
        conductance = self._split(at_rest[rows.slices].copy())[0]
        planes = self._wiring.planes(self._shape, rows)
        transfer = transfer_matrix(conductance, *planes)
        warn_of_signal_loss(transfer, conductance, stacklevel=_CALLER)
        return Seen(conductance, transfer, noise_gain(conductance, *planes))


def _wiring(wires: WireParameters | None) -> Wiring | None:
    if wires is None or not any(
        (wires.row_segment, wires.row_lead, wires.col_segment, wires.col_lead)
    ):
        return None
    return Wiring(
        rows=Wire(wires.row_segment, wires.row_lead, _contacts(wires.row_contacts)),
        cols=Wire(wires.col_segment, wires.col_lead, _contacts(wires.col_contacts)),
    )


def _contacts(ends: tuple[float, ...]) -> Contacts:
    pairs = zip(ends[::2], ends[1::2], strict=True)
    return Contacts(tuple((bool(first), bool(last)) for first, last in pairs))
