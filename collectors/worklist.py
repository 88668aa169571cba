"""Works off a list of questions, newest first, within a budget: the common form of the sources that ask by key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from collectors.asking import Ask, Asker, Host
from collectors.base import Context, GivenUp, Outcome, Plan, Refused, recording, told_by

# Past this many faults in a row the source, not the question, is at fault.
REFUSALS_IN_A_ROW = 3


@dataclass
class Worklist:
    """What a source would ask, in order, and at most `budget` of it in this run; `noun` names the questions."""

    source: str
    host: Host
    asks: Sequence[Ask]
    noun: str
    budget: int | None = None
    seconds_each: float = 1.0

    @property
    def now(self) -> Sequence[Ask]:
        """The questions of this run."""
        return self.asks if self.budget is None else self.asks[: max(0, self.budget)]

    def plan(self) -> Plan:
        """Say what a run would do."""
        calls = len(self.now)
        left = len(self.asks) - calls
        return Plan(
            self.source,
            calls=calls,
            seconds=calls * max(self.host.delay, self.seconds_each),
            budget="" if self.budget is None else f"{self.budget:,} a run",
            left=f"{left:,} {self.noun}" if left else "",
        )


def work_off(context: Context, lists: Sequence[Worklist]) -> Outcome:
    """Ask the lists one after the other in one run of their common source; a failing list does not stop the next."""
    source = lists[0].source
    with recording(context, source) as (run, outcome):
        work = Work(context, outcome, lists)
        with work.going_on():
            for one in lists:
                asker = Asker(context, run, outcome, one.host)
                work.ask_all(one, partial(_take_rows, outcome, asker))
    return outcome


def _take_rows(outcome: Outcome, asker: Asker, ask: Ask) -> None:
    outcome.new += len(asker.rows(ask))


class Work:
    """The progress of one run over its lists: what is answered, what is left, and when a host is given up."""

    def __init__(self, context: Context, outcome: Outcome, lists: Sequence[Worklist]) -> None:
        self._context, self._outcome = context, outcome
        self._left = {id(ask): one.noun for one in lists for ask in one.asks}
        self._task = context.progress.add_task(lists[0].source, total=sum(len(one.now) for one in lists))

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Keep the outcome's `left` true, however the work ends."""
        self._outcome.left = ""
        try:
            yield
        finally:
            nouns = Counter(self._left.values())
            self._outcome.left = " and ".join(f"{count:,} {noun}" for noun, count in nouns.items())

    def ask_all(self, one: Worklist, answer: Callable[[Ask], None]) -> None:
        """Let `answer` ask and take in each question of the run; Refused fails it alone, what ends the host is told."""
        if not self._outcome.stopped:
            with told_by(self._outcome):
                self._ask_all(one, answer)

    def _ask_all(self, one: Worklist, answer: Callable[[Ask], None]) -> None:
        refusals = 0
        for ask in one.now:
            try:
                answer(ask)
            except Refused as refusal:
                self._outcome.failed.append(f"{ask.label}: {refusal}")
                refusals += 1
                if refusals == REFUSALS_IN_A_ROW:
                    raise GivenUp(f"{one.host.name} gave no usable answer {refusals} times in a row") from None
            else:
                refusals = 0
                del self._left[id(ask)]
            self._context.progress.advance(self._task)
