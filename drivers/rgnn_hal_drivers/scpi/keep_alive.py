"""A thread that lets the device hear from this process, so that its watchdog tells idle from dead.

Voltages stay latched while the process lives, however long it thinks between two verbs; a process
that is killed or suspended falls silent, and the device grounds its array. The thread speaks only
when nothing else has been said for a third of the watchdog's time. It knows the link and not the
macro, so that a macro nobody refers to any more can go.
"""

import threading

from rgnn_hal_drivers.scpi.link import Link


class KeepAlive:
    """Speaks until `stop`.

    Args:
        link: to the device.
        watchdog: seconds of silence after which the device grounds the array.
    """

    def __init__(self, link: Link, watchdog: float) -> None:
        self._link = link
        self._idle = watchdog / 3
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scpi-keep-alive", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread. Idempotent."""
        self._stopped.set()
        # The last reference to a macro may go anywhere, in this thread too.
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        while self._link.lost is None and not self._stopped.wait(self._idle / 4):
            self._link.ping(self._idle)
