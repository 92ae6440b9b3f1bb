"""The tables of `rgnn-hal cost`, for people."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

_PARTS = 0.01
"""Parts below this share are left out."""
_UNITS = {"j": "J", "s": "s", "mm2": "mm²"}


def print_tables(result: Mapping[str, Any]) -> None:
    """Print what `cost` found; nothing that the JSON does not hold."""
    console = Console()
    if "published" in result:
        console.print(_published(result))
        for name, reason in result["unused"].items():
            console.print(f"not compared: {name}: {reason}", highlight=False)
        return
    console.print(
        f"{result['inference']}, {result['frozen_parameters']:,} frozen weights, "
        f"{result['reads']} reads, on {result['preset']} "
        f"({result['node_nm']:g} nm) with {result['host']}",
        highlight=False,
    )
    for table in (_inference(result), _parts(result), _baselines(result), _sensitivity(result)):
        console.print(table)
    measured, training = result["measured"], result["training"]
    console.print(
        f"measured here: {measured['seconds']:.3g} s by the twin on one thread, "
        f"{measured['macs']:.3g} multiply-accumulates; the macro's system is modelled "
        f"{measured['speed_ratio']:.3g} times as fast",
        highlight=False,
    )
    if training is not None:
        console.print(
            f"training: {training['macs_analog']:.3g} multiply-accumulates on the macro, "
            f"{training['macs_digital']:.3g} on the host, {training['pulses']:.3g} pulses; "
            f"{training['energy_j']:.3g} J, {training['latency_s']:.3g} s",
            highlight=False,
        )
    if "pareto" in result:
        console.print(_pareto(result))
    for plot in result.get("report", ()):
        console.print(plot, highlight=False)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def _inference(result: Mapping[str, Any]) -> Table:
    table = _table("One inference", "", "value", "68 % interval", "per atom")
    for name in ("macs_analog", "macs_digital"):
        table.add_row(_words(name), f"{result[name]:.4g}", "", f"{result['per_atom'][name]:.4g}")
    for name, interval in result["intervals"].items():
        each = result["per_atom"].get(name)
        table.add_row(
            _words(name),
            f"{result[name]:.3g}",
            _between(*interval),
            "" if each is None else f"{each:.3g}",
        )
    return table


def _parts(result: Mapping[str, Any]) -> Table:
    table = _table("Parts, %", "", "energy", "latency", "area")
    shares = [
        {name: 100 * value / sum(parts.values()) for name, value in parts.items()}
        for parts in result["breakdown"].values()
    ]
    for name in dict.fromkeys(name for share in shares for name in share):
        row = [share.get(name, 0.0) for share in shares]
        if max(row) >= 100 * _PARTS:
            table.add_row(name, *(f"{value:.0f}" if value >= 0.5 else "" for value in row))
    return table


def _baselines(result: Mapping[str, Any]) -> Table:
    table = _table(
        "Beside digital machines: how much more those take, and with a macro's help",
        "",
        "energy",
        "time",
        "time x area",
        "energy, helped",
    )
    for name, one in result["baselines"].items():
        ratio, gain = one["ratio"], one["gain"]
        table.add_row(
            name,
            _with_interval(ratio["energy_ratio"]),
            _with_interval(ratio["speed_ratio"]),
            _with_interval(ratio["area_normalised_speed_ratio"]),
            _with_interval(gain["energy_ratio"]),
        )
    return table


def _sensitivity(result: Mapping[str, Any]) -> Table:
    table = _table("What the uncertainty hangs on, % of the variance", "")
    table.add_column()
    for name, shares in result["sensitivity"].items():
        ranked = [f"{figure} {100 * share:.0f}" for figure, share in shares.items()]
        table.add_row(_words(name), ", ".join(ranked[:3]))
    return table


def _pareto(result: Mapping[str, Any]) -> Table:
    error = result["pareto_error"]
    table = _table("Error against energy", "model", "reads", "bits", "energy (J)", error)
    for row in result["pareto"]:
        mark = "" if row["dominated"] else " *"
        table.add_row(
            row["model"],
            str(row["reads"]),
            str(row["bits"] or ""),
            f"{row['energy_j']:.3g} {_between(*row['interval'])}",
            f"{row['error']:.4g}{mark}",
        )
    for floor in result["pareto_floors"]:
        table.add_row(floor["model"], "twin", "", "", f"{floor['twin_error']:.4g}")
        if floor["exact_error"] is not None:
            table.add_row(floor["model"], "exact", "", "", f"{floor['exact_error']:.4g}")
    return table


def _published(result: Mapping[str, Any]) -> Table:
    table = _table("The model beside published macros", "", "published", "unit", "model", "factor")
    for one in result["published"]:
        table.add_row(
            one["macro"],
            f"{one['published']:.3g}",
            one["unit"],
            f"{one['model']:.3g} {_between(*one['interval'])}",
            f"{one['factor']:.2f}" + ("" if one["within_two"] else " !"),
        )
    return table


def _words(name: str) -> str:
    words, _, unit = name.rpartition("_")
    return f"{words} ({_UNITS[unit]})" if unit in _UNITS else name.replace("_", " ")


def _between(low: float, high: float) -> str:
    return f"({low:.2g}..{high:.2g})"


def _with_interval(one: Mapping[str, float]) -> str:
    return f"{one['value']:.3g} {_between(one['low'], one['high'])}"
