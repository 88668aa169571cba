"""Stack Exchange's counts of questions asked in a month, with a tag or in all. Pure: bytes in, typed rows out.

A tag that does not exist counts 0 in every month: a month's 0 is a fact only beside other months of the tag that are
not 0. Single answers cannot tell; the marts must.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

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
        raise Rejected(f"status {response.status}{_message(content)}")
    total = content.get("total")
    if type(total) is not int or not 0 <= total < 2**63:
        raise Rejected(f"total {total!r} is not a count{_message(content)}")
    tag, month = response.params["tag"], date.fromisoformat(f"{response.params['month']}-01")
    if total == 0 and tag is None:
        raise Rejected(f"no question at all in {month:%Y-%m}")
    if response.fetched_at.date() < month_after(month):
        raise Rejected(f"{month:%Y-%m} was not over yet")
    origin = {"response_id": response.response_id, "fetched_at": response.fetched_at}
    yield "question_counts", {**origin, "tag": tag, "month": month, "questions": total}


def content_of(response: Response) -> dict[str, Any]:
    """Return the wrapper object that every answer of the API is: a result, or an error with its name and message.

    Raises:
        Rejected: it is something else.
    """
    try:
        content = response.json()
    except (ValueError, RecursionError):
        raise Rejected(f"status {response.status}: not JSON (cut short, or a web page)") from None
    if not isinstance(content, dict):
        raise Rejected("expected an object")
    return content


def _message(content: dict[str, Any]) -> str:
    message = content.get("error_message")
    return f": {message[:200]}" if isinstance(message, str) else ""
