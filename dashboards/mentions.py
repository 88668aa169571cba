"""Prepares the chart of papers: which share is shown at first, what it is a share of, and what cannot be drawn."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from dashboards import wording

MEASURES = {"title_abstract": "title or abstract", "full_text": "full text"}
SHORT_BASES = {"ml_papers": "ML papers", "any_framework": "any framework"}
# A share of fewer papers than this jumps by more than five percentage points with a single one.
FEWEST_PAPERS = 20


class Kind(NamedTuple):
    """A measure (how a paper names a framework) and a base (what its share is a share of)."""

    measure: str
    base: str

    @property
    def label(self) -> str:
        """Two words or so, short enough for a narrow control."""
        return f"{MEASURES.get(self.measure, self.measure)} · {SHORT_BASES.get(self.base, self.base)}"

    @property
    def subtitle(self) -> str:
        """What the chart draws, with the base in full."""
        base = wording.PAPER_BASES.get(self.base, self.base)
        return f"Share of the month's {base}. Named in {MEASURES.get(self.measure, self.measure)}"

    @property
    def standfirst(self) -> str:
        """What is counted, for a page's head."""
        return f"{self.subtitle}. Shares of different bases or measures are never on one chart."


def kinds(points: pd.DataFrame, figures: pd.DataFrame) -> list[Kind]:
    """Return the kinds among data.mentions, first the one that the overview's table uses, else machine-learning papers.

    `figures` are data.figures; the table's share of papers counts titles and abstracts.
    """
    shares = figures[figures["measure"] == "paper_share"]
    base = str(shares["base"].iloc[0]) if not shares.empty else "ml_papers"
    found = dict.fromkeys(Kind(*pair) for pair in points[["measure", "base"]].itertuples(index=False, name=None))
    return sorted(
        found, key=lambda kind: (kind.base != base, kind.base != "ml_papers", kind.measure != "title_abstract", kind)
    )


def drawable(points: pd.DataFrame, kind: Kind) -> tuple[pd.DataFrame, int]:
    """Return the points of one kind that can be drawn, from the first mention on, and how many months were too thin.

    A month is too thin when its share is of fewer than FEWEST_PAPERS papers; a cited share comes without that number.
    """
    own = points[(points["measure"] == kind.measure) & (points["base"] == kind.base)]
    thin = pd.to_numeric(own["denominator"]).astype(float) < FEWEST_PAPERS
    enough = own[~thin]
    named = enough[enough["share"] > 0]
    shown = enough[enough["day"] >= named["day"].min()] if not named.empty else enough
    return shown, int(own.loc[thin, "day"].nunique())
