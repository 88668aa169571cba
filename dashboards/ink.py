"""Colours: a framework's own, made readable on the page's background; everything else is grey."""

from __future__ import annotations

from functools import lru_cache

GREY = "#98A2AE"
FAINT = {False: "#C9CED6", True: "#4A5462"}
TEXT = {False: "#1F2933", True: "#E4E7EB"}
PAPER = {False: "#FFFFFF", True: "#12161C"}
MUTED = {False: "#5B6673", True: "#9AA5B1"}
GRID = {False: "#E6E9ED", True: "#2A313B"}
FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif"
HEADING_FONT = "Georgia, Times New Roman, Liberation Serif, serif"
MINIMUM_CONTRAST = 4.5


def _channels(colour: str) -> list[int]:
    return [int(colour[start : start + 2], 16) for start in (1, 3, 5)]


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb, 0..1 (WCAG 2.2)."""
    parts = [channel / 255 for channel in _channels(colour)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1..21 (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@lru_cache(maxsize=256)
def readable(colour: str, *, dark: bool) -> str:
    """Return the colour, moved towards the text colour until text in it has a contrast of at least 4.5 to 1."""
    target = _channels(TEXT[dark])
    for step in range(21):
        mixed = [round(own + (aim - own) * step / 20) for own, aim in zip(_channels(colour), target, strict=True)]
        candidate = "#{:02X}{:02X}{:02X}".format(*mixed)
        if contrast(candidate, PAPER[dark]) >= MINIMUM_CONTRAST:
            return candidate
    return TEXT[dark]
