"""How surveys write themselves: the tables have them in lower case, as keys."""

from __future__ import annotations

_NAMES = {"kaggle": "Kaggle", "kdnuggets": "KDnuggets", "stackoverflow": "Stack Overflow"}


def survey_name(key: str) -> str:
    """Return a survey's own name, with or without its year: KDnuggets 2018; one of the user's own as it is."""
    first, space, rest = key.partition(" ")
    return f"{_NAMES.get(first, first)}{space}{rest}"
