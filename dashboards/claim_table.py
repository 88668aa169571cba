"""The article's claims as an HTML table: what was stated, what the tables say, the verdict and why."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from dashboards import ink, wording
from warehouse import claims as catalogue

STYLE = Path(__file__).with_name("claim_table.css")
VERDICTS = {
    "reproduced": "✓ reproduced",
    "contradicted": "✗ contradicted",
    "not_reproducible": "? not reproducible",
}
# Green and red that colour-blind readers tell apart by lightness too; the signs say it without colour.
_COLOURS = {"COLOUR_REPRODUCED": "#1B7F4D", "COLOUR_CONTRADICTED": "#B3261E"}


def summary(claims: pd.DataFrame) -> str:
    """Return how many of the claims' parts have each verdict: `21 parts reproduced, 4 contradicted, …`."""
    counts = claims["verdict"].value_counts()
    told = [f"{counts.get(verdict, 0)} {words[2:]}" for verdict, words in VERDICTS.items()]
    return ", ".join([told[0].replace(" ", " parts ", 1), *told[1:]])


def table(claims: pd.DataFrame, *, dark: bool = False, with_sql: bool = False) -> str:
    """Return the rows of data.claims of one day as HTML, under each claim its rule and, `with_sql`, its statement."""
    rules = {claim.number: claim.holds for claim in catalogue.load()}
    style = STYLE.read_text("utf-8")
    for name, colour in _COLOURS.items():
        style = style.replace(name, ink.readable(colour, dark=dark))
    body = []
    for (number, claim), parts in claims.groupby(["number", "claim"], sort=False):
        rule = escape(rules.get(int(str(number)), ""))
        statement = escape(str(parts["evidence_sql"].iloc[0]), quote=False)
        sql = f"<details><summary>SQL</summary><pre>{statement}</pre></details>"
        body.append(
            f'<tr><th colspan="4" scope="rowgroup">{number}. {escape(str(claim))}'
            f'<div class="why">Holds: {rule}</div>{sql if with_sql else ""}</th></tr>'
        )
        body += [_row(part) for part in parts.to_dict("records")]
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("Part", "The article says", "Measured", "Verdict"))
    head, rows = f"<thead><tr>{heads}</tr></thead>", f"<tbody>{''.join(body)}</tbody>"
    return f"<style>{style}</style><table class='claims'>{head}{rows}</table>"


def _row(part: Mapping[Any, Any]) -> str:
    measured = str(part["measured_value"]) if wording.known(part["measured_value"]) else wording.ABSENT
    verdict = str(part["verdict"])
    words = str(part["part"]).replace(".", ", ").replace("_", " ")
    return (
        f'<tr><td data-label="part">{escape(words)}</td>'
        f'<td data-label="stated">{escape(str(part["stated_value"]))}</td>'
        f'<td data-label="measured">{escape(measured)}<div class="why">{escape(str(part["reason"]))}</div></td>'
        f'<td class="verdict {escape(verdict, quote=True)}">{escape(VERDICTS.get(verdict, verdict))}</td></tr>'
    )
