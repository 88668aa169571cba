"""Invented people who answer surveys: who they are by profession, and which of the options offered they name."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Share of those who name anything that name it, in the middle of the years; others are named by one in ten.
_LIKED = {"TensorFlow": 0.30, "Torch/PyTorch": 0.22, "PyTorch": 0.22, "Keras": 0.18, "NumPy": 0.45}


@dataclass(frozen=True)
class Respondent:
    """One respondent: number from 1 on, whether a professional, and the options named; None where not answered."""

    number: int
    professional: bool
    named: tuple[str, ...] | None


def invented(survey: str, year: int, options: Sequence[str], count: int) -> list[Respondent]:
    """Return a survey's respondents; one in four did not answer, and who answered named one option at least."""
    chance = random.Random(f"{survey} {year}")
    return [_respondent(number, options, chance) for number in range(1, count + 1)]


def _respondent(number: int, options: Sequence[str], chance: random.Random) -> Respondent:
    professional = chance.random() < 0.7
    if chance.random() < 0.25:
        return Respondent(number, professional, None)
    named = tuple(option for option in options if chance.random() < _LIKED.get(option, 0.1))
    return Respondent(number, professional, named or (chance.choice(options),))


def counted(respondents: Iterable[Respondent], options: Sequence[str]) -> dict[str, int]:
    """Return the base (who answered) under "", and the respondents of each option."""
    answers = [one.named for one in respondents if one.named is not None]
    return {"": len(answers)} | {option: sum(option in named for named in answers) for option in options}
