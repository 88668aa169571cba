"""What refusals lead to: a host is given up after some in a row, and a refused question is asked last by later runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from collectors.base import Context, GivenUp, Outcome
from warehouse.schedule import REFUSED_RESTS, refused_lately

# Past this many faults in a row the source, not the question, is at fault.
REFUSALS_IN_A_ROW = 3
Question = TypeVar("Question")


class Patience:
    """Notes a run's refusals in its outcome, and gives a host up after REFUSALS_IN_A_ROW; `wanted` is what it gives."""

    def __init__(self, outcome: Outcome, host: str, wanted: str = "answer") -> None:
        self._outcome, self._host, self._wanted = outcome, host, wanted
        self._in_a_row = 0

    def answered(self) -> None:
        """Begin to count anew: the host is well."""
        self._in_a_row = 0

    def refused(self, label: str, line: str, *, host_is_well: bool = False) -> None:
        """Note that the question `label` was refused, and the line for people.

        `host_is_well` when the refusal itself shows it, as GitHub's 404 of a name that is wrong in the registry.

        Raises:
            GivenUp: so many refusals in a row are the host's fault.
        """
        self._outcome.failed.append(line)
        self._outcome.refused.append(label)
        self._in_a_row = 0 if host_is_well else self._in_a_row + 1
        if self._in_a_row == REFUSALS_IN_A_ROW:
            raise GivenUp(f"{self._host} gave no usable {self._wanted} {REFUSALS_IN_A_ROW} times in a row")


@dataclass(frozen=True)
class Refusals:
    """When a source's questions were last refused (UTC), by label; `resting` are those not to be asked now."""

    at: Mapping[str, datetime]
    resting: frozenset[str]

    @classmethod
    def of(cls, context: Context, source: str) -> Refusals:
        """Read the source's newest runs; only under --due does a question rest."""
        now = context.settings.clock()
        at = refused_lately(context.archive, source, now)
        resting = (label for label, when in at.items() if context.only_due and now - when < REFUSED_RESTS)
        return cls(at, frozenset(resting))

    def in_turn(self, questions: Iterable[Question], label: Callable[[Question], str]) -> list[Question]:
        """Return those to ask now: in their order, but the refused ones last, the one refused longest ago first.

        So a few questions that never succeed starve neither the others nor one another.
        """
        awake = [question for question in questions if label(question) not in self.resting]
        return sorted(awake, key=lambda question: self.at.get(label(question), datetime.min))
