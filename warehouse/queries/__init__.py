"""The worked queries: one question a file, told in its header, answered by one statement over the marts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from warehouse.errors import BadInputError, DlpulseError, nearest

FOLDER = Path(__file__).parent
# The header: a title, then these paragraphs in this order.
PARTS = ("Question", "Read", "Cannot tell")


@dataclass(frozen=True)
class WorkedQuery:
    """A file of this folder: `name` without suffix, `sql` with the header, which is a comment to DuckDB."""

    name: str
    title: str
    question: str
    reading: str
    limits: str
    sql: str


def names() -> list[str]:
    """Return the names of all worked queries, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.sql"))


def load() -> list[WorkedQuery]:
    """Return all worked queries, sorted by name."""
    return [_read(FOLDER / f"{name}.sql") for name in names()]


def find(name: str) -> WorkedQuery:
    """Return one worked query; raises BadInputError with the nearest names when there is none of that name."""
    known = names()
    wanted = name.removesuffix(".sql").replace("-", "_").lower()
    if wanted not in known:
        raise BadInputError(f"--query: there is no worked query {name!r}{nearest(wanted, known)}")
    return _read(FOLDER / f"{wanted}.sql")


def _read(path: Path) -> WorkedQuery:
    text = path.read_text("utf-8")
    header: list[str] = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        if line.startswith("--   "):
            header[-1] += f" {line[2:].strip()}"
        else:
            header.append(line[2:].strip())
    title, *rest = header
    parts = dict(part.split(": ", 1) for part in rest)
    if tuple(parts) != PARTS:
        raise DlpulseError(f"{path}: expected a header of a title and {', '.join(PARTS)}, found {', '.join(parts)}")
    question, reading, limits = parts.values()
    return WorkedQuery(path.stem, title, question, reading, limits, text)
