"""`dlpulse import gharchive`: counts the star events of the registry's repositories in GH Archive's hour files."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import IO, Any

from collectors.base import Context, Outcome, Stopped
from collectors.bulk import MOST_EXPANSION, InputFile, unpacked
from collectors.events import names_of
from warehouse.errors import BadInputError
from warehouse.parse import rows_of
from warehouse.raw import Run

# Raised when other events are counted, or the same ones otherwise.
RULES = 1
# The longest events, pushes of many commits, have some MB; a longer line is none, and must not fill memory.
MOST_LINE_BYTES = 2**25
_NAME = re.compile(r"(\d{4}-\d\d-\d\d)-(\d|1\d|2[0-3])\.json(\.gz)?")

# So many broken lines are passed over in any file; beyond them a file of mostly broken lines is no hour.
FEW_BROKEN = 10


def rules(context: Context) -> str:
    """Return the version of the counting and a digest of the names: another registry reads a file again."""
    return f"{RULES}.{hashlib.sha256(repr(sorted(_names(context))).encode()).hexdigest()[:8]}"


def read(context: Context, run: Run, outcome: Outcome, file: InputFile) -> None:
    """Archive how many star events the hour has for each name of the registry; names without any are left out.

    Raises:
        BadInputError: the file's name tells no hour, it is damaged, or no line of it is an event.
    """
    day, hour = _hour(file)
    names = _names(context)
    count = _Count(frozenset(names))
    with unpacked(file) as content:
        for line in _lines(content, file):
            if context.stop.is_set():
                raise Stopped("stopped")
            count.take(line)
    if count.lines == count.broken:
        raise BadInputError(f"{file.name}: expected an event in JSON on each line, found none")
    if count.broken > max(FEW_BROKEN, count.lines // 2):
        raise BadInputError(f"{file.name}: {count.broken:,} of {count.lines:,} lines are broken: refused")
    told = {"names": names, "stars": dict(count.stars), "lines": count.lines, "broken": count.broken}
    response = run.write(
        f"hour:{day}-{hour}",
        json.dumps({"day": str(day), "hour": hour, **told}, sort_keys=True).encode(),
        url=file.address,
        params={**file.params, "rules": rules(context), "kind": "gharchive", "last": True},
    )
    rows = rows_of(response)
    outcome.rows += len(rows)
    outcome.new += len(rows)
    if count.broken:
        outcome.noticed.append(f"{file.name}: passed over {count.broken:,} broken of {count.lines:,} lines")


def _names(context: Context) -> list[str]:
    return names_of(context.registry.frameworks.values(), context.full_names)


class _Count:
    """Star events by name of repository, and how many lines there were, how many of them broken."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self.stars: Counter[str] = Counter()
        self.lines = self.broken = 0

    def take(self, line: bytes) -> None:
        """Count one line. Only what may be a star event is decoded: of the rest, both ends tell whether it is whole."""
        line = line.strip()
        if not line:
            return
        self.lines += 1
        if not (line.startswith(b"{") and line.endswith(b"}")):
            self.broken += 1
        elif b"WatchEvent" in line:
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                self.broken += 1
                return
            if (name := starred(event)) in self.names:
                self.stars[name] += 1


def starred(event: dict[str, Any]) -> str:
    """Return the name of the repository that the event stars, as it was then; "" for any other event."""
    payload = event.get("payload")
    if event.get("type") != "WatchEvent" or not isinstance(payload, dict) or payload.get("action") != "started":
        return ""
    repo = event.get("repo")
    if isinstance(repo, dict):
        return str(repo.get("name", ""))
    # Before 2015.
    old = event.get("repository")
    return f"{old.get('owner')}/{old.get('name')}" if isinstance(old, dict) else ""


def _hour(file: InputFile) -> tuple[date, int]:
    """Return day and hour (UTC) of the name: the events' own times come in several forms."""
    found = _NAME.fullmatch(file.name)
    try:
        if found:
            return date.fromisoformat(found[1]), int(found[2])
    except ValueError:
        pass  # 2015-02-30
    raise BadInputError(f"{file.name}: expected GH Archive's name of an hour file, like 2015-01-31-7.json.gz")


def _lines(content: IO[bytes], file: InputFile) -> Iterator[bytes]:
    """Yield lines; of one longer than MOST_LINE_BYTES the pieces, none of which is an event."""
    size = 0
    while line := content.readline(MOST_LINE_BYTES):
        size += len(line)
        if size > max(MOST_LINE_BYTES, MOST_EXPANSION * file.size):
            raise BadInputError(f"{file.name}: unpacks to {MOST_EXPANSION} times its size: refused")
        yield line
