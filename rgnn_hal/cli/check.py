"""Command `check`: put a macro through the contract and say which clauses hold."""

from typing import Annotated, Any

import typer

from rgnn_hal.cli.output import Json, print_result, progress_bar


def check(
    uri: Annotated[str, typer.Argument(help="Macro address, e.g. 'emulator://?seed=7'.")],
    examples: Annotated[int, typer.Option(help="Examples that each search draws.", min=1)] = 30,
    gentle: Annotated[
        bool | None,
        typer.Option(
            "--gentle/--full",
            help="Pulse no cell, or check everything; gentle by default where cells persist.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Check a macro against the contract, clause by clause; exits 1 if one does not hold."""
    from rgnn_hal.testing import check as check_macro

    with progress_bar() as progress:
        report = check_macro(uri, examples=examples, gentle=gentle, progress=progress)
    failures = {failure.clause.sentence: failure.counterexample for failure in report.failed}
    skips = {skip.clause.sentence: skip.reason for skip in report.skipped}
    result: dict[str, Any] = {
        "identity": report.identity,
        "profile": "gentle" if report.gentle else "full",
        "passed": [clause.sentence for clause in report.passed],
        "failed": list(failures),
        "skipped": list(skips),
        "counterexamples": failures,
        "reasons": skips,
    }
    if json:
        print_result(result, as_json=True)
    else:
        _print_clauses(result)
    if report.failed:
        raise typer.Exit(1)


def _print_clauses(result: dict[str, Any]) -> None:
    print(f"{result['identity']}, {result['profile']} profile")
    for sentence in result["passed"]:
        print(f"  holds    {sentence}")
    for sentence, reason in result["reasons"].items():
        print(f"  skipped  {sentence}\n             {reason}")
    for sentence, counterexample in result["counterexamples"].items():
        print(f"  FAILS    {sentence}\n             {counterexample}")
    counts = (f"{len(result[key])} {key}" for key in ("passed", "failed", "skipped"))
    print(", ".join(counts))
