"""The one lock of a home: a single benchmark at a time, and none while what it may run from is being removed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from warehouse.errors import DlpulseError


@contextmanager
def alone(home: Path, busy: str) -> Iterator[None]:
    """Hold the lock; never wait for it.

    Raises:
        DlpulseError: another process holds it, in the words of `busy`; or the home cannot be written to.
    """
    lock = filelock.FileLock(home / "bench.lock", timeout=0)
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        raise DlpulseError(busy) from None
    except OSError as error:
        raise DlpulseError(f"cannot lock {home}: {error.strerror or error}") from None
    try:
        yield
    finally:
        lock.release()
