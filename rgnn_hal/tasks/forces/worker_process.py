"""The command that a local worker is: `python -m rgnn_hal.tasks.forces.worker_process ...`.

It works for the scheduler at an address until its standard input ends, as that of a process does
whose parent has died, even of SIGKILL.
"""

import asyncio
import logging
import os
import shutil
import sys
import threading


def main() -> None:
    """Work for the scheduler at the first argument, with files in the folder that is the second."""
    address, folder = sys.argv[1:]
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    asyncio.run(_work(address, folder))


def _end_with_parent(folder: str) -> None:
    sys.stdin.buffer.read()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


async def _work(address: str, folder: str) -> None:
    from distributed import Worker

    async with Worker(
        address,
        nthreads=1,
        memory_limit=0,  # none: what a Gram matrix takes cannot be spilled
        local_directory=folder,
        silence_logs=logging.CRITICAL,
    ) as worker:
        await worker.finished()


if __name__ == "__main__":
    main()
