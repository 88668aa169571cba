"""Pure parsers, one module per source: an archived answer in, typed rows or a rejection with its reason out."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from functools import cache

from warehouse.errors import DlpulseError
from warehouse.parse.tables import OVERSIZED, TABLES, Rejected, Row
from warehouse.raw import RUN_END, RUN_START, Response

__all__ = ["TABLES", "Rejected", "Row", "rows_of"]


def rows_of(response: Response) -> list[Row]:
    """Return all rows of an answer of any source; none for the start and end of a run.

    Raises:
        Rejected: the answer is not what its source promises; it gives no fact.
        DlpulseError: no parser of this version knows the source.
    """
    if response.subject in (RUN_START, RUN_END):
        return []
    if OVERSIZED in response.params:
        raise Rejected(response.params[OVERSIZED])
    return list(_parser(response.source)(response))


@cache
def _parser(source: str) -> Callable[[Response], Iterator[Row]]:
    try:
        parser: Callable[[Response], Iterator[Row]] = importlib.import_module(f"warehouse.parse.{source}").parse
    except ModuleNotFoundError:
        raise DlpulseError(
            f"the raw archive holds the source {source!r}, which this dlpulse cannot read; update it"
        ) from None
    return parser
