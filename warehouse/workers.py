"""Work in other processes, which end when this one does, however it ends."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process
from typing import TypeVar

from warehouse.errors import DlpulseError

T = TypeVar("T")
# Each holds a few hundred MiB, and reading one disk gains little from more.
MOST_PROCESSES = 4


def results(tasks: Sequence[Callable[[], T]], *, here: bool) -> Iterator[tuple[int, T]]:
    """Yield each task's number and result as they end; `here`, or where there is one core, in this process.

    Tasks must be picklable. An error in one ends the rest.

    Raises:
        DlpulseError: a process was killed from outside, as for memory.
    """
    processes = min(MOST_PROCESSES, len(tasks), _cores())
    if here or processes < 2:
        yield from ((number, task()) for number, task in enumerate(tasks))
        return
    # Not forked: the parent has threads of Arrow's.
    with ProcessPoolExecutor(processes, get_context("spawn"), _prepare) as pool:
        numbers = {pool.submit(task): number for number, task in enumerate(tasks)}
        try:
            for future in as_completed(numbers):
                yield numbers[future], future.result()
        except BrokenProcessPool:
            raise DlpulseError("a process that parses was killed; perhaps the memory is full") from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _cores() -> int:
    """Return how many cores this process may use; macOS tells only how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _prepare() -> None:
    """Leave Ctrl-C to the parent, and end with it: a pool's processes would wait for work for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent
    connection.wait([parent.sentinel])
    os._exit(3)
