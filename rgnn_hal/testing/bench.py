"""The bench: a macro that can be opened again and again, and the patch of cells to work on.

A full check works on a patch of at most 16 x 16 cells off the origin, and gives its cells
conductances that differ before it looks. A gentle check takes the cells as they are, on the patch
whose conductances differ most.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from rgnn_hal.macro import Capability, Macro, MacroSpec, PulseKind, Region
from rgnn_hal.testing.conditioning import condition

Factory = Callable[[], Macro]
Fault = Callable[[Macro], object]

_SIDE = 16


@dataclass(frozen=True)
class Bench:
    """What every experiment is given."""

    factory: Factory
    """Opens the macro under test."""
    spec: MacroSpec
    patch: Region
    """Cells that experiments work on."""
    gentle: bool
    """Wear nothing."""
    examples: int
    """How many examples a search draws."""
    derandomize: bool
    """Draw the same examples in every run."""
    fault: Fault | None
    """Makes the next verb fail in the hardware; None where nobody can."""

    @classmethod
    def at(
        cls,
        factory: Factory,
        *,
        examples: int,
        gentle: bool | None = None,
        derandomize: bool = True,
        fault: Fault | None = None,
    ) -> Self:
        """Look at the macro once; gentle by default where its cells persist."""
        with factory() as macro:
            spec = macro.spec
            if gentle is None:
                gentle = Capability.PERSISTENT in spec.capabilities
            patch = _liveliest(macro) if gentle else _off_origin(spec)
        examples = max(1, examples // 6) if gentle else examples
        return cls(factory, spec, patch, gentle, examples, derandomize, fault)

    def open(self) -> Macro:
        """The macro, with conductances that differ where that may be arranged."""
        macro = self.factory()
        if not self.gentle:
            try:
                condition(macro, self.patch)
            except BaseException:
                macro.close()
                raise
        return macro

    def batch(self, wanted: int) -> int:
        """`wanted` vectors, or the largest batch where that is smaller."""
        return min(wanted, self.spec.max_batch)

    @property
    def kinds(self) -> tuple[PulseKind, ...]:
        """The kinds of pulse that may be given: none in a gentle check."""
        return () if self.gentle else tuple(self.spec.pulses)

    @property
    def may_program(self) -> bool:
        """Whether closed-loop programming exists and may be used."""
        return not self.gentle and Capability.CLOSED_LOOP_PROGRAM in self.spec.capabilities

    @property
    def reproducible(self) -> bool:
        """Whether every opening gives the same chip in the same state."""
        virtual = Capability.VIRTUAL_CLOCK in self.spec.capabilities
        return virtual and Capability.PERSISTENT not in self.spec.capabilities


def _off_origin(spec: MacroSpec) -> Region:
    shape = min(_SIDE, spec.rows), min(_SIDE, spec.cols)
    return Region.of_shape(shape, ((spec.rows - shape[0]) // 2, (spec.cols - shape[1]) // 3))


def _liveliest(macro: Macro) -> Region:
    conductance = macro.read_conductance()
    height, width = min(_SIDE, macro.spec.rows), min(_SIDE, macro.spec.cols)
    places = [
        Region.of_shape((height, width), (row, col))
        for row in range(0, macro.spec.rows - height + 1, height)
        for col in range(0, macro.spec.cols - width + 1, width)
    ]
    return max(places, key=lambda place: float(np.std(conductance[place.slices])))
