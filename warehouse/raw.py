"""The raw archive: every answer as it came, in Parquet parts that are whole or absent. Never opens the database."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from warehouse import rawparts
from warehouse.rawfile import FORMAT_VERSION, SCHEMA
from warehouse.rawparts import (
    COLLECTOR_VERSION,
    Response,
    from_row,
    is_compacted,
    members,
    place,
    run_of,
)
from warehouse.rawruns import RUN_END, RUN_START, RUN_TIME, Run, RunNotes
from warehouse.settings import Clock

__all__ = [
    "COLLECTOR_VERSION",
    "FORMAT_VERSION",
    "RUN_END",
    "RUN_START",
    "SCHEMA",
    "Archive",
    "Response",
    "Run",
    "RunNotes",
    "members",
]

_NOTES = (RUN_START, RUN_END)
_Place = tuple[str, int, str]
_Stream = Iterator[tuple[_Place, pa.RecordBatch]]
_Open = tuple[_Place, int, pa.RecordBatch, _Stream]


class Archive:
    """The folder of parts: `<root>/source=<source>/<run_id>-<n>.parquet`, or `<run_id>.parquet` once merged.

    Compaction puts many runs into one part (see rawparts). In the costs told here, n counts the parts of the sources
    asked about: after ten years of daily runs some fifty a source, when compacted. The footer of each compacted part
    is read once by a process, about a millisecond each.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def sources(self) -> list[str]:
        """Return the sources that the archive has a folder for."""
        return sorted(folder.name.removeprefix("source=") for folder in self.root.glob("source=*") if folder.is_dir())

    def files(self, source: str | None = None) -> list[Path]:
        """Return all parts, with those that a killed merge or compaction left behind. Cost: two listings a source."""
        return [
            part
            for one in (self.sources() if source is None else [source])
            for part in rawparts.listed(self.root / f"source={one}")
        ]

    def live(self, source: str) -> dict[Path, frozenset[str]]:
        """Return all parts of a source, each with the members that it is to be read for; see `rawparts.live`."""
        while True:
            try:
                return rawparts.live(self.files(source))
            except FileNotFoundError:  # compacted meanwhile
                continue

    def parts(self, source: str | None = None) -> list[Path]:
        """Return all whole parts, oldest run first.

        A merged run holds its single parts, a compacted part its members; those that a kill left behind are not named
        again. Cost: the listing and the footers.
        """
        sources = self.sources() if source is None else [source]
        return sorted((part for one in sources for part, held in self.live(one).items() if held), key=place)

    def read(self, part: Path) -> Iterator[Response]:
        """Yield the answers of one part, a batch at a time; checks each body against its sha256.

        Raises:
            DlpulseError: the part or an answer in it is damaged.
            FileNotFoundError: the part was merged or compacted meanwhile, before the first answer.
        """
        for batch in self.batches(part):
            yield from map(from_row, batch.to_pylist())

    def batches(self, part: Path, first: str = "") -> Iterator[pa.RecordBatch]:
        """Yield the rows (SCHEMA) of one part from the run `first` on, bodies unchecked; raises as `read`.

        Answers that another part is to be read for are left out.
        """
        others = self.elsewhere(part)
        for batch in rawparts.batches(part, first):
            yield batch if others is None else batch.filter(pc.invert(rawparts.any_of(batch, others)))

    def elsewhere(self, part: Path) -> pa.Array | None:
        """Return the members of a compacted part that another is to be read for; None when there are none.

        None also for a part left behind by a kill: who still reads it listed the parts before it was.
        """
        if not is_compacted(part):
            return None
        mine = self.live(part.parent.name.removeprefix("source=")).get(part)
        others = set(rawparts.stems(part)) - mine if mine else None
        return pa.array(sorted(others)) if others else None

    def responses(self, source: str | None = None, *, since: datetime | None = None) -> Iterator[Response]:
        """Yield every archived answer once, oldest run first, also while another process merges or compacts.

        With `since` (UTC) the runs that began earlier are left out. Cost: parts that hold no younger run are not
        opened; of a compacted part only the row groups from there on are read.
        """
        run, seen = f"{since:{RUN_TIME}}" if since else "", set[str]()
        while True:
            try:
                for batch in self.in_run_order(self.parts(source), run):
                    for row in batch.to_pylist():
                        if row["run_id"] != run:
                            run, seen = row["run_id"], set()
                        if row["response_id"] not in seen:
                            seen.add(row["response_id"])
                            yield from_row(row)
            except FileNotFoundError:  # a part was merged or compacted: go on where we are, with the new ones
                continue
            return

    def in_run_order(self, parts: Sequence[Path], first: str = "") -> Iterator[pa.RecordBatch]:
        """Yield the parts' rows, each batch of one run, oldest run first, from the run `first` on.

        Open at once are only parts whose runs lie between each other's, with one batch in memory each.
        """
        pending = deque(sorted((part for part in parts if rawparts.last_run(part) >= first), key=place))
        heap: list[_Open] = []
        numbers = itertools.count()
        while pending or heap:
            while pending and (not heap or _begins_before(pending[0], heap[0][0][0])):
                _push(heap, next(numbers), rawparts.by_run(self.batches(pending.popleft(), first)))
            if heap:
                _, number, batch, stream = heapq.heappop(heap)
                yield batch
                _push(heap, number, stream)

    def runs(self, source: str) -> Iterator[RunNotes]:
        """Yield the notes of the source's runs, newest first.

        Cost: the listing and the footers; then, for each run taken, its merged part, or its first and last answer, or
        its row groups of a compacted part.
        """
        holders = self._holders(source)
        for run_id in sorted(holders, reverse=True):
            told = {}
            while True:
                try:
                    # An unmerged run has its start in its first part, and its end, if any, in its last.
                    ends = dict.fromkeys(holders[run_id][:1] + holders[run_id][-1:]) if run_id in holders else ()
                    told = {one.subject: one for part in ends for one in rawparts.notes(part, run_id, _NOTES)}
                    break
                except FileNotFoundError:  # merged or compacted meanwhile
                    holders = self._holders(source)
            if RUN_START in told:
                yield RunNotes(told[RUN_START], told.get(RUN_END))

    def _holders(self, source: str) -> dict[str, list[Path]]:
        """Return the parts to read for each run, by its id, oldest answers first."""
        holders: dict[str, list[Path]] = {}
        parts = self.live(source)
        for part in sorted(parts, key=lambda part: (not is_compacted(part), place(part))):
            for run_id in {run_of(stem) for stem in parts[part]}:
                holders.setdefault(run_id, []).append(part)
        return holders

    def find(self, response_id: str) -> Response | None:
        """Return one answer by its id, or None.

        Cost: the listing; its part, or the row groups that may hold it of each compacted part whose name says that it
        may.
        """
        run_id = run_of(response_id)
        while True:
            try:
                for part in self.files():
                    told = rawparts.first_run(part) <= run_id <= rawparts.last_run(part)
                    if told and (found := rawparts.answer(part, response_id)):
                        return found
            except FileNotFoundError:  # its run was merged or compacted meanwhile
                continue
            return None

    def start(self, source: str, clock: Clock, **params: Any) -> Run:
        """Begin a run: returns its writer, a context manager that notes start and end."""
        return Run(self.root / f"source={source}", source, clock, params)


def _begins_before(part: Path, run_id: str) -> bool:
    """Whether the part may hold what comes before the run's answers, or, compacted, some of them."""
    # A run's single answers are opened one after the other: it may have thousands.
    begun = rawparts.first_run(part)
    return begun < run_id or (begun == run_id and is_compacted(part))


def _push(heap: list[_Open], number: int, stream: _Stream) -> None:
    """Put the stream's next batch, if there is one, where its run's turn is."""
    if following := next(stream, None):
        heapq.heappush(heap, (following[0], number, following[1], stream))
