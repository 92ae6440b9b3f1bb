"""Bringing a base preset to the conductances of another chip.

Tables of a bench may say what full SET pulses leave, G_LRS, and nothing of the gate's law or of
forming. Then every conductance of the base, and what its converters resolve and span, is multiplied
by

    k = G_LRS / (slope (V_gate - V_t))

with slope and threshold of the base, at the gate that was stated or else at the top of the base's
SET envelope. So the chip keeps its proportions: pristine cells stay far below formed ones, and
those within the window and the range. What was measured itself is not scaled.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rgnn_hal.characterization.fitted import FittedParameters

LRS = "compliance.lrs_mean"
_GATE = "compliance.gate_voltage"
_SLOPE = "compliance.slope"
_SCALED_UNITS = ("S", "S/V", "A")


def scale_conductances(document: dict[str, Any], fitted: FittedParameters) -> bool:
    """Scale `document` of a preset in place, if `fitted` has the state but not the law of gates."""
    if LRS not in fitted or _SLOPE in fitted or "switching" not in document:
        return False
    switching, stated = document["switching"], _GATE in fitted
    gate = fitted[_GATE].value if stated else document["limits"]["set"]["gate_voltage"]["value"][1]
    lrs = fitted[LRS]
    reach = gate - switching["threshold_voltage"]["value"]
    factor = lrs.value / (switching["compliance_slope"]["value"] * reach)
    for table in _tables(document):
        if table["unit"] in _SCALED_UNITS:
            value = table["value"]
            scaled = [one * factor for one in value] if isinstance(value, list) else value * factor
            source = (
                f"{factor:.4g} times the base's, as the low-resistance state: {table['source']}"
            )
            table.pop("uncertainty", None)
            table |= {"value": scaled, "source": source, "guess": True}
    assumed = "" if stated else ", assumed"
    switching["compliance_slope"] |= {
        "source": f"{1e6 * lrs.value:.4g} uS, n = {lrs.count}, at a gate of {gate:g} V{assumed}",
        "uncertainty": lrs.standard_error / reach,
    }
    return True


def _scale(table: dict[str, Any], factor: float) -> None:
    value = table["value"]
    scaled = [one * factor for one in value] if isinstance(value, list) else value * factor
    source = f"in proportion to the low-resistance state, {factor:.4g} times: {table['source']}"
    table.pop("uncertainty", None)
    table |= {"value": scaled, "source": source, "guess": True}


def _tables(section: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for table in section.values():
        if isinstance(table, dict):
            if "unit" in table:
                yield table
            else:
                yield from _tables(table)
