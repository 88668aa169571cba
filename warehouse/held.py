"""What the raw archive holds at one moment, as the parsed store sees it: runs, their parts, and which are damaged."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse import rawparts
from warehouse.files import write_parquet
from warehouse.parse.restored import SOURCE, restored_id
from warehouse.raw import Archive

_MAGIC = b"PAR1"
_PARTS_SCHEMA = pa.schema([("stem", pa.string()), ("part", pa.string())])


@dataclass(frozen=True)
class Held:
    """One run of a source in the raw archive: which members of which parts hold it.

    A whole run is one member, called like the run, in whatever part; one without an end is many, one an answer.
    """

    source: str
    run_id: str
    stems: frozenset[str]
    parts: tuple[Path, ...]

    @property
    def mark(self) -> str:
        """Changes when an answer is added or taken away; not by a compaction."""
        return "" if self.is_whole else hashlib.sha256("\n".join(sorted(self.stems)).encode()).hexdigest()[:16]

    @property
    def is_whole(self) -> bool:
        """Whether the run has ended and put its answers together."""
        return self.stems == {self.run_id}


Runs = Mapping[str, Held]
"""A source's runs by id."""


@dataclass(frozen=True)
class Holdings:
    """What the archive holds at one moment: each source's runs by id, and the members to be read of each part.

    `damaged` are the parts that are not whole, as far as their beginnings and ends tell.
    """

    sources: Mapping[str, dict[str, Held]]
    parts: Mapping[Path, frozenset[str]]
    damaged: frozenset[Path]

    @staticmethod
    def of(archive: Archive, known: Mapping[str, str]) -> Holdings:
        """List the archive; `known` tells of each member which part held it last time."""
        sources: dict[str, dict[str, Held]] = {}
        parts: dict[Path, frozenset[str]] = {}
        damaged: set[Path] = set()
        for source in archive.sources():
            live = {part: stems for part, stems in archive.live(source).items() if stems}
            unnamed = [part for part in live if rawparts.is_compacted(part) and live[part] == {part.stem}]
            damaged |= {*unnamed, *(part for part in live if not is_parquet(part) and part.exists())}
            for part in unnamed:
                live[part] = _recalled(part, live, known)
            stems_of: dict[str, set[str]] = {}
            parts_of: dict[str, set[Path]] = {}
            for part, stems in live.items():
                for stem in stems:
                    run_id = rawparts.run_of(stem)
                    stems_of.setdefault(run_id, set()).add(stem)
                    parts_of.setdefault(run_id, set()).add(part)
            sources[source] = {
                run_id: Held(source, run_id, frozenset(stems_of[run_id]), tuple(sorted(parts_of[run_id])))
                for run_id in sorted(stems_of)
            }
            parts |= live
        _pass_over_restored(sources)
        return Holdings(sources, parts, frozenset(damaged))

    def lost(self, source: str, run_ids: Iterable[str]) -> list[str]:
        """Return which of the runs cannot be parsed again, for a part of them is damaged."""
        runs = self.sources.get(source, {})
        return [run for run in sorted(run_ids) if run in runs and not self.damaged.isdisjoint(runs[run].parts)]

    def goes_on(self, source: str, run_id: str) -> bool:
        """Whether the run is perhaps going on: the source's newest one without an end. Older ones were killed."""
        runs = self.sources[source]
        return not runs[run_id].is_whole and run_id == next(reversed(runs))

    def write_parts(self, path: Path) -> None:
        """Write which part holds each member: a whole run, or one answer of a run that has not ended."""
        rows = [(stem, f"{part.parent.name}/{part.name}") for part, stems in self.parts.items() for stem in stems]
        columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)] or [[], []]
        write_parquet(path, pa.table(columns, schema=_PARTS_SCHEMA))


def _pass_over_restored(sources: Mapping[str, dict[str, Held]]) -> None:
    """Leave out restored runs whose original is there, as when a copy of the archive turns up: it tells all of it."""
    restored = sources.get(SOURCE, {})
    for source, runs in sources.items():
        if restored and source != SOURCE:
            for run_id in runs:
                restored.pop(restored_id(run_id), None)


def known_parts(path: Path) -> dict[str, str]:
    """Return which part held each member at the last call, as `Holdings.write_parts` wrote it."""
    with suppress(pa.ArrowException, OSError):
        rows = pq.read_table(path, schema=_PARTS_SCHEMA, partitioning=None)
        return dict(zip(rows["stem"].to_pylist(), rows["part"].to_pylist(), strict=True))
    return {}


def _recalled(part: Path, live: Mapping[Path, frozenset[str]], known: Mapping[str, str]) -> frozenset[str]:
    """Return the members of a compacted part that can no longer name them, less those that another part holds.

    They are those that it had at the last call, or, where it was made since then, those that have gone and give it its
    name. Raises DlpulseError when neither is known.
    """
    elsewhere = {stem for other, stems in live.items() if other != part for stem in stems}
    mine = {stem for stem, at in known.items() if at == f"{part.parent.name}/{part.name}"}
    if not mine:
        first, last = rawparts.first_run(part), rawparts.last_run(part)
        here = (stem for stem, at in known.items() if at.startswith(f"{part.parent.name}/"))
        mine = {stem for stem in here if stem not in elsewhere and first <= rawparts.run_of(stem) <= last}
        if not mine or rawparts.compacted_name(sorted(mine)) != part.stem:
            mine = set(rawparts.stems(part))
    return frozenset(stem for stem in mine if not {stem, rawparts.run_of(stem)} & elsewhere)


def is_parquet(path: Path) -> bool:
    """Whether the file is there and begins and ends as one that was written whole. Cost: two reads, no page."""
    with suppress(OSError), path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 8))
        footer, ending = int.from_bytes(file.read(4), "little"), file.read(4)
        file.seek(0)
        return file.read(4) == ending == _MAGIC and footer + 12 <= size
    return False
