"""How amounts are told to people: 1 month, 1,898 months."""

from __future__ import annotations

Noun = tuple[str, str]
"""What is counted, for one and for more."""

REPOSITORIES_REFUSED: Noun = ("repository refused lately", "repositories refused lately")


def amount(number: int, noun: Noun) -> str:
    """Return the number with its noun."""
    one, more = noun
    return f"{number:,} {one if number == 1 else more}"


def amounts(*counted: tuple[int, Noun], about: str = "") -> str:
    """Return what there is, joined by "and", "" when there is nothing; `about` stands before each number."""
    return " and ".join(about + amount(number, noun) for number, noun in counted if number > 0)
