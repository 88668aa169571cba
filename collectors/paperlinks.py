"""Counts Papers with Code's links between papers and code: repositories by month of the paper and framework label.

A part of `dlpulse import survey`, whose other files are read by surveyfiles.py.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq

from collectors.base import Stopped
from collectors.bulk import InputFile
from warehouse.errors import BadInputError

COLUMNS = ("paper_url", "paper_arxiv_id", "repo_url", "framework")
# arXiv's identifiers begin with year and month: 1412.6980, and until March 2007 cs.LG/0501001.
_NEW_ID = re.compile(r"(\d\d)(0[1-9]|1[0-2])\.\d{4,5}(?:v\d+)?")
_OLD_ID = re.compile(r"[a-z-]+(?:\.[A-Z]{2})?/(\d\d)(0[1-9]|1[0-2])\d{3}(?:v\d+)?")
_FIRST_NEW, _FIRST_OLD_YEAR = "2007-04", 91
# The archive has eight or so.
_MOST_LABELS = 100


@dataclass(frozen=True)
class Links:
    """Distinct repositories as {month "2020-06": {label: repositories}}, and how many papers have no arXiv id."""

    months: dict[str, dict[str, int]]
    undated: int


def count(file: InputFile, now: datetime, stop: threading.Event) -> Links:
    """Count the links of papers up to `now`; links without repository or label count nowhere.

    Memory: some 200 bytes a link; the archive has 0.3 million. Raises BadInputError, Stopped.
    """
    repositories: dict[tuple[str, str], set[str]] = defaultdict(set)
    undated: set[str] = set()
    labels: set[str] = set()
    for paper, arxiv_id, repository, label in _links(file, stop):
        month = month_of(arxiv_id or "")
        if month is None or month > f"{now:%Y-%m}":
            undated.add(paper or "")
        elif repository and label:
            repositories[month, label].add(repository.strip())
            labels.add(label)
        if len(labels) > _MOST_LABELS:
            raise BadInputError(f"{file.name}: more than {_MOST_LABELS} different values in the column framework")
    if not repositories:
        raise BadInputError(f"{file.name}: links no repository to a paper with an arXiv id: is the file whole?")
    months: dict[str, dict[str, int]] = defaultdict(dict)
    for (month, label), found in sorted(repositories.items()):
        months[month][label] = len(found)
    return Links(dict(months), len(undated))


def month_of(arxiv_id: str) -> str | None:
    """Return the month of an arXiv identifier as "2020-06", None for what is no identifier."""
    if match := _NEW_ID.fullmatch(arxiv_id):
        month = f"20{match[1]}-{match[2]}"
        return month if month >= _FIRST_NEW else None
    if match := _OLD_ID.fullmatch(arxiv_id):
        return f"{'19' if int(match[1]) >= _FIRST_OLD_YEAR else '20'}{match[1]}-{match[2]}"
    return None


def _links(file: InputFile, stop: threading.Event) -> Iterator[tuple[str | None, ...]]:
    try:
        with pq.ParquetFile(file.path) as table:
            for name in COLUMNS:
                if name not in table.schema_arrow.names:
                    raise BadInputError(f"{file.name}: has no column {name}, expected {', '.join(COLUMNS)}")
            for batch in table.iter_batches(batch_size=2**14, columns=list(COLUMNS)):
                if stop.is_set():
                    raise Stopped("stopped")
                yield from zip(*(_texts(file, name, batch.column(name)) for name in COLUMNS), strict=True)
    except (pa.ArrowException, OSError) as error:
        raise BadInputError(f"{file.name}: is damaged or cut short: {str(error).splitlines()[0][:200]}") from None


def _texts(file: InputFile, name: str, column: pa.Array) -> list[str | None]:
    values = column.to_pylist()
    for value in values:
        if not isinstance(value, str | None):
            raise BadInputError(f"{file.name}: column {name}: expected a text, found {value!r}")
    return values  # type: ignore[no-any-return]
