"""What is kept of a ranking's file: the lines of the registry's repositories, and of these no person's name."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Collection
from typing import Any

from warehouse.parse.ranking import COLUMNS, DAMAGED, NAMES, repository_at
from warehouse.parse.tables import Rejected

# People's names stand here, and in no column that a fact is read from; lines of other repositories are not kept at all.
CUT = ("username", "description")


def ours_alone(names: Collection[str], body: bytes) -> tuple[bytes, dict[str, Any]]:
    """Return the lines of the repositories `names` (lower case) without the columns CUT, and params that say so.

    A body that is no such file is returned as it came. What was wrong with the file before is told too, under DAMAGED:
    the cut could hide it.
    """
    rows = csv.reader(io.StringIO(body.decode("utf-8", "surrogateescape"), newline=""), strict=True)
    try:
        header = next(rows, [])
    except csv.Error:
        header = []
    if not set(COLUMNS) <= set(header):
        return body, {}
    kept, damage = _cut(rows, header, names)
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n" if b"\r\n" in body[:1000] else "\n").writerows(kept)
    told = {"cut": list(CUT), NAMES: sorted(names), "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    damage = _damage(body) or damage
    told |= {DAMAGED: damage} if damage else {}
    return out.getvalue().encode("utf-8", "surrogateescape"), told


def _cut(rows: Any, header: list[str], names: Collection[str]) -> tuple[list[list[str]], str]:
    """Return the header and lines to keep of a csv.reader's rows, and the first damage found, "" when none."""
    places = [place for place, column in enumerate(header) if column not in CUT]
    kept = [[header[place] for place in places]]
    damage, empty, address = "", True, header.index("repo_url")
    try:
        for row in filter(None, rows):
            empty = False
            if len(row) != len(header):
                damage = damage or f"line {rows.line_num} has {len(row)} of {len(header)} columns"
                continue
            try:
                ours = repository_at(row[address]).lower() in names
            except Rejected as reason:
                damage = damage or f"line {rows.line_num}: {reason}"
                continue
            if ours:
                kept.append([row[place] for place in places])
    except csv.Error as error:
        damage = damage or f"line {rows.line_num}: {error}"
    return kept, damage or ("the ranking is empty" if empty else "")


def _damage(body: bytes) -> str:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return f"the file is not UTF-8 at byte {error.start:,}"
    return "" if body.endswith(b"\n") else "the file ends in the middle of a line"
