"""Command `serve`: an emulated chip behind a socket, until it is told to stop."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from rgnn_hal.cli.output import Json, print_result, print_warning
from rgnn_hal.macro import serve_macro


def serve(
    uri: Annotated[str, typer.Argument(help="Chip to serve, e.g. 'emulator://?state=chip.h5'.")],
    host: Annotated[
        str, typer.Option(help="Address to listen at; whoever reaches it can drive the chip.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port; 0 for a free one.", min=0, max=65535)] = 5025,
    watchdog: Annotated[
        float | None,
        typer.Option(help="Ground the array after so many seconds of silence; 0: never."),
    ] = None,
    json: Json = False,
) -> None:
    """Put a chip behind SCPI over TCP until Ctrl-C or SIGTERM, which ground and save it."""
    with (
        _stop_signal() as stop,
        serve_macro(uri, host=host, port=port, watchdog=watchdog) as served,
    ):
        if not served.loopback:
            print_warning(
                f"listening at {served.address}: every machine that reaches it can drive this "
                "chip, and nothing is encrypted; --host 127.0.0.1 keeps it to this one"
            )
        if not served.nonvolatile:
            print_warning(
                "this chip lives in this process: its cells are pristine again when it is served "
                "anew; 'emulator://?state=chip.h5' keeps them"
            )
        where = {
            "address": served.address,
            "uri": served.uri,
            "identity": served.identity,
            "nonvolatile": served.nonvolatile,
        }
        print_result(where, json, flush=True)
        stop.recv(1)


@contextmanager
def _stop_signal() -> Iterator[socket.socket]:
    """A socket that becomes readable on SIGINT or SIGTERM, which then do nothing else.

    The interpreter's C handler writes to it in whatever thread the signal arrives; a Python handler
    would have to wait for the main thread, which sleeps.
    """
    stop, written = socket.socketpair()
    written.setblocking(False)
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(each, lambda number, frame: None) for each in signals]
    wakeup = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
    try:
        yield stop
    finally:
        signal.set_wakeup_fd(wakeup)
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)
        stop.close()
        written.close()
