"""The article's claims, one file each: told in its header, decided by one statement over the marts for any day.

The article: "Keras or PyTorch as your first deep learning framework", deepsense.ai, June 2018. A statement has `$on` in
place of the day, and gives a row for each part of the claim: part, stated, measured (texts), holds (whether the data
bear it out; NULL when they do not tell), reason. Nothing here states a verdict.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from warehouse.errors import DlpulseError

FOLDER = Path(__file__).parent
ARTICLE_DAY = date(2018, 6, 30)
"""The end of the month in which the article appeared."""
# The header: these paragraphs in this order.
PARTS = ("Claim", "Holds", "Needs")
COLUMNS = ("claim_id", "claim", "stated_value", "valid_on", "measured_value", "verdict", "reason", "evidence_sql")
_ANSWER = ("part", "stated", "measured", "holds", "reason")
_VERDICTS = {True: "reproduced", False: "contradicted", None: "not_reproducible"}
Ask = Callable[[str], list[dict[str, Any]]]
"""Runs one statement; returns its rows by column."""


@dataclass(frozen=True)
class Claim:
    """One claim: its number, what it says, when it counts as holding, and which collection would decide it."""

    number: int
    name: str
    claim: str
    holds: str
    needs: str
    sql: str

    def evidence(self, on: date) -> str:
        """Return the statement for a day, as a reader can run it."""
        return self.sql.replace("$on", f"date '{on}'")


def load() -> list[Claim]:
    """Return all claims by their numbers."""
    return sorted((_read(path) for path in FOLDER.glob("*.sql")), key=lambda claim: claim.number)


def judged(ask: Ask, on: date) -> Iterator[dict[str, Any]]:
    """Yield the rows of fct_claims for a day: each part of each claim with what was measured and the verdict on it.

    A part that the data do not tell is not_reproducible, and its reason says why, or which collection would decide it.

    Raises:
        DlpulseError: when a statement's answer is not of the form that every claim's has.
    """
    for claim in load():
        sql = claim.evidence(on)
        rows = ask(sql)
        if any(tuple(row) != _ANSWER for row in rows):
            raise DlpulseError(f"claim {claim.number}: expected the columns {', '.join(_ANSWER)}, found {[*rows[0]]}")
        parts = [str(row["part"]) for row in rows]
        if len(set(parts)) < len(parts):
            raise DlpulseError(f"claim {claim.number}: expected each part once, found {', '.join(parts)}")
        for row in rows:
            yield {
                "claim_id": f"{claim.number}.{row['part']}",
                "claim": claim.claim,
                "stated_value": row["stated"],
                "valid_on": on,
                "measured_value": row["measured"],
                "verdict": _VERDICTS[row["holds"]],
                "reason": row["reason"] or f"not known: {claim.needs}",
                "evidence_sql": sql,
            }


def _read(path: Path) -> Claim:
    number, _, name = path.stem.partition("_")
    text = path.read_text("utf-8")
    header = re.match(r"(?:--.*\n)+", text)
    words = re.sub(r"\n--   ", " ", header[0] if header else "")
    parts = dict(line[3:].split(": ", 1) for line in words.strip().splitlines())
    if tuple(parts) != PARTS or not number.isdecimal():
        raise DlpulseError(f"{path}: expected a number and a header of {', '.join(PARTS)}, found {', '.join(parts)}")
    claim, holds, needs = parts.values()
    return Claim(int(number), name, claim, holds, needs, text)
