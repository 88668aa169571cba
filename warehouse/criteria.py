"""The article's own criteria for a first framework, as evidence; how much each one weighs, only the reader can say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EVIDENCE = Path(__file__).with_suffix(".sql").read_text("utf-8")
"""The statement over the published tables: a row per criterion and framework, criterion by criterion."""
COLUMNS = (
    *("place", "criterion", "measure", "unit", "more_is_better", "framework_id", "name"),
    *("value", "as_of", "circumstances", "of_best"),
)
ASKS = {
    "conciseness": "How little must a beginner write to train?",
    "flexibility": "How much of the papers' public code is written in it? (Archive of July 2025.)",
    "popularity": "How many have starred it?",
    "momentum": "How many stars did it gain in twelve months?",
    "resources": "How many of Stack Overflow's questions are about it?",
    "speed": "How fast does it train the reference CNN on this device?",
    "deployment": "How often is it downloaded? Machines download, people less.",
}
"""What each criterion asks of the tables. None of them is the criterion itself."""


@dataclass(frozen=True)
class Weighed:
    """A framework under the reader's weights: `score` 0 to 1, None where something that weighs is not known."""

    framework_id: str
    name: str
    score: float | None
    parts: Mapping[str, float]
    missing: Sequence[str]


def weigh(rows: Sequence[Mapping[Any, Any]], weights: Mapping[str, float]) -> list[Weighed]:
    """Return the frameworks by the weighted mean of their `of_best`, the highest first.

    `rows` are those of EVIDENCE, `weights` non-negative and by criterion; what has none weighs nothing. A framework of
    which something that weighs is unknown comes last and has no score: absent is neither zero nor the mean.

    Raises:
        ValueError: when nothing weighs.
    """
    total = sum(weights.values())
    if total <= 0:
        raise ValueError("nothing weighs anything")
    found = []
    for framework_id, name in dict.fromkeys((row["framework_id"], row["name"]) for row in rows):
        own = {row["criterion"]: row["of_best"] for row in rows if row["framework_id"] == framework_id}
        counted = {criterion: weight for criterion, weight in weights.items() if weight > 0}
        missing = [criterion for criterion in counted if own.get(criterion) is None]
        parts = {
            criterion: weight * own[criterion] / total
            for criterion, weight in counted.items()
            if criterion not in missing
        }
        found.append(Weighed(framework_id, name, None if missing else sum(parts.values()), parts, missing))
    return sorted(found, key=lambda one: (one.score is None, -(one.score or 0.0), one.name))
