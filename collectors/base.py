"""What every collector is given and gives back, and the one way a collector's run is opened and closed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

from filelock import FileLock, Timeout
from rich.progress import Progress

from collectors.fullnames import names_told
from warehouse.errors import DlpulseError
from warehouse.raw import Archive, Run
from warehouse.registry import Framework, Registry
from warehouse.schedule import limit_words
from warehouse.settings import Settings

UNKNOWN = "unknown"


@dataclass
class Context:
    """What one collection is about.

    `stop` is set by the first Ctrl-C or SIGTERM: end after the answer in hand. `sources` are all that are asked in
    this collection, `only_due` is `collect --due`, and `every` the step of the ranking's past: day or month.
    """

    settings: Settings
    registry: Registry
    archive: Archive
    frameworks: list[Framework]
    since: date | None
    until: date | None
    progress: Progress
    stop: threading.Event
    sources: tuple[str, ...] = ()
    only_due: bool = False
    every: str = "month"
    # How many requests of a budget that sources share each of them still has to make first, by source.
    claims: dict[str, int] = field(default_factory=dict)

    @cached_property
    def full_names(self) -> Mapping[str, Sequence[str]]:
        """All names that GitHub told of repositories, as far as the archive knew them when this was first asked for."""
        return names_told(self.archive)

    def covers(self, first: date, last: date) -> bool:
        """Whether the days from `first` to `last` touch those asked for by --since and --until."""
        return last >= (self.since or date.min) and first <= (self.until or date.max)


@dataclass(frozen=True)
class Plan:
    """What a source would ask now: about `calls` requests, taking about `seconds`; `left` is for another time."""

    source: str
    calls: int
    seconds: float
    budget: str = ""
    left: str = ""


@dataclass
class Outcome:
    """What came of one source.

    `requests` were answered; `rows` were read, `new` of them were not known before; `failed` holds one line per
    fault; `left` says what remains ("" when nothing does; UNKNOWN until the collector tells) and `retry_at` (UTC) when
    to come back for it. `budget` is what the source last said of its limit. `noticed` holds what is no fault but must
    not be hidden, as sums that do not agree. Of the `failed`, `unreached` say that a host never answered at all.
    `stopped` is True after Ctrl-C, `busy` when another process collects the source already, which is no fault.
    `refused` are the labels of the questions that got no usable answer: the next runs ask them last, so that a few that
    never succeed cannot starve the others.
    """

    source: str
    requests: int = 0
    rows: int = 0
    new: int = 0
    failed: list[str] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)
    noticed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    left: str = UNKNOWN
    budget: str = ""
    took_s: float = 0.0
    retry_at: datetime | None = None
    stopped: bool = False
    busy: bool = False

    @property
    def reached(self) -> bool:
        """False when hosts that never answered are all that went wrong."""
        return not self.failed or len(self.unreached) < len(self.failed)


class GivenUp(DlpulseError):
    """The source cannot be asked any further in this run; what was archived stays."""


class Unreachable(GivenUp):
    """The host did not answer: refused, not resolved, timed out or broken off, also after the retries."""


class LimitReached(DlpulseError):
    """The source asks to wait longer than `Settings.max_wait`; `retry_at` (UTC) is when it may be asked again."""

    def __init__(self, message: str, retry_at: datetime) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class Refused(Exception):
    """One answer gives no rows, which concerns its question alone; the message is the line for people.

    `status` is the answer's, when that is what was wrong.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Stopped(DlpulseError):
    """The user asked to stop."""


class Busy(DlpulseError):
    """Another process collects or imports the source."""


class _Unfinished(DlpulseError):
    """Makes the archive note a run that did not succeed, so that the schedule asks again."""


@contextmanager
def alone(settings: Settings, source: str) -> Iterator[None]:
    """Hold the source's lock: of all processes with this home, one at a time collects or imports it.

    Raises:
        Busy: another one does.
        DlpulseError: the lock's folder cannot be written.
    """
    locks = settings.home / "locks"
    try:
        locks.mkdir(parents=True, exist_ok=True)
        held = FileLock(locks / f"collect-{source}.lock").acquire(timeout=0)
    except Timeout:
        raise Busy(f"{source} is being collected by another process") from None
    except OSError as error:
        raise DlpulseError(f"{settings.home}: cannot be written: {error.strerror or error}") from None
    with held:
        yield


@contextmanager
def recording(context: Context, source: str, *, imported: Sequence[str] = ()) -> Iterator[tuple[Run, Outcome]]:
    """Open a run in the raw archive with an Outcome to fill; what ends a source early becomes part of the Outcome.

    `imported` names the files of `dlpulse import`; such a run is none of the source's schedule.

    The run's end is noted with an error when anything failed, was cut off or was stopped. An archive in which not even
    the start can be noted raises DlpulseError; one that fails later, as on a full disk, becomes a line of the outcome.
    """
    outcome = Outcome(source)
    began = time.monotonic()
    opened = False
    asked = {"frameworks": [framework.id for framework in context.frameworks], "imported": imported}
    try:
        with context.archive.start(
            source, context.settings.clock, **asked, since=context.since, until=context.until
        ) as run:
            opened = True
            try:
                with told_by(outcome):
                    yield run, outcome
            finally:
                run.rows = outcome.rows
                run.left, run.noticed, run.refused = outcome.left, outcome.noticed, outcome.refused
                run.budget = outcome.budget
                outcome.took_s = time.monotonic() - began
            _raise_unfinished(outcome)
    except _Unfinished:
        return
    except (DlpulseError, OSError) as error:
        if not opened:
            raise
        outcome.failed.append(fault_line(error))


@contextmanager
def told_by(outcome: Outcome) -> Iterator[None]:
    """Write what ends the asking of a host early into the outcome of its source."""
    answered_before = outcome.requests
    try:
        yield
    except GivenUp as error:
        outcome.failed.append(str(error))
        if isinstance(error, Unreachable) and outcome.requests == answered_before:
            outcome.unreached.append(str(error))
    except LimitReached as limit:
        outcome.left = outcome.left or str(limit)
        outcome.retry_at = max(outcome.retry_at or limit.retry_at, limit.retry_at)
    except Stopped:
        outcome.stopped = True


def fault_line(error: DlpulseError | OSError) -> str:
    """Return the line for people; an error of the file system names the file."""
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return str(error)


def _raise_unfinished(outcome: Outcome) -> None:
    if outcome.stopped:
        raise _Unfinished("stopped by the user")
    if outcome.failed:
        raise _Unfinished("; ".join(outcome.failed[:3]))
    if outcome.retry_at:
        raise _Unfinished(f"{limit_words(outcome.retry_at)}; left: {outcome.left}")
