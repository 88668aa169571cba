"""Stack Exchange's counts of questions asked in a month, with a tag or in all. Pure: bytes in, typed rows out.

A tag that does not exist counts 0 in every month: a month's 0 is a fact only beside other months of the tag that are
not 0. Single answers cannot tell; the marts must.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from warehouse.parse import fields
from warehouse.parse.tables import Rejected, Row
from warehouse.raw import RUN_END, RUN_START, Response


def month_after(month: date) -> date:
    """Return the first day of the following month."""
    return (month.replace(day=1) + timedelta(days=31)).replace(day=1)


def parse(response: Response) -> Iterator[Row]:
    """Yield one `question_counts` row (tag None: all questions); none for the start and end of a run.

    Raises:
        Rejected: the answer is no count, or was given before the month was over.
    """
    if response.subject in (RUN_START, RUN_END):
        return
    content = content_of(response)
    if response.status != 200:
        raise Rejected(f"status {response.status}{fields.message(content, 'error_message')}")
    total = fields.count(content.get("total"), "total")
    tag, month = response.params["tag"], fields.month(response.params["month"])
    if total == 0 and tag is None:
        raise Rejected(f"no question at all in {month:%Y-%m}")
    if response.fetched_at.date() < month_after(month):
        raise Rejected(f"{month:%Y-%m} was not over yet")
    yield "question_counts", fields.origin(response, tag=tag, month=month, questions=total)


def content_of(response: Response) -> dict[str, Any]:
    """Return the wrapper object that every answer of the API is: a result, or an error with its name and message.

    Raises:
        Rejected: it is something else.
    """
    return fields.object_of(response, f"status {response.status}: ")
