"""What a spreadsheet would take for a formula, and CSV in which nothing is one (OWASP: CSV injection)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

RISKY_START = "^['=+@\\-\t\r\n＝＋－＠]"
"""What spreadsheets take for a formula at the start of a cell; and the apostrophe itself, so that one can always be
taken off again."""
_RISKY = re.compile(RISKY_START)


def csv(frame: pd.DataFrame) -> bytes:
    """Return the rows as CSV (UTF-8): what would be a formula, in a cell or a name, has an apostrophe before it."""
    import pandas as pd

    texts = {
        name: frame[name].map(_harmless)
        for name in frame.columns
        if pd.api.types.is_object_dtype(frame[name]) or pd.api.types.is_string_dtype(frame[name])
    }
    safe = frame.assign(**texts).rename(columns=_harmless)
    return safe.to_csv(index=False).encode()


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and _RISKY.match(value) else value
