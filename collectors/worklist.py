"""Works off a list of questions, newest first, within a budget: the common form of the sources that ask by key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from collectors.asking import Ask, Asker, Host
from collectors.base import Context, Outcome, Plan, Refused, recording, told_by
from collectors.refusals import Patience, Refusals
from collectors.wording import Noun, amounts


@dataclass
class Worklist:
    """What a source would ask, in order, and at most `budget` of it in this run; `noun` names the questions.

    Those refused lately come last, and rest for a day under --due: see `Refusals`.
    """

    source: str
    host: Host
    asks: Sequence[Ask]
    noun: Noun
    refusals: Refusals
    budget: int | None = None
    seconds_each: float = 1.0

    @property
    def waiting(self) -> Sequence[Ask]:
        """The questions that do not rest, in the order in which they are asked.

        Of a subject that was refused twice or more, as a tag in two months, the other questions come after all fresh
        ones: each of them would try the host's Patience.
        """
        refused = Counter(ask.subject for ask in self.asks if ask.label in self.refusals.at)
        hopeful_first = sorted(self.asks, key=lambda ask: refused[ask.subject] > 1)
        return self.refusals.in_turn(hopeful_first, lambda ask: ask.label)

    @property
    def now(self) -> Sequence[Ask]:
        """The questions of this run."""
        return self.waiting[: None if self.budget is None else max(0, self.budget)]

    def plan(self) -> Plan:
        """Say what a run would do."""
        calls = len(self.now)
        return Plan(
            self.source,
            calls=calls,
            seconds=calls * max(self.host.delay, self.seconds_each),
            budget="" if self.budget is None else f"{self.budget:,} a run",
            left=amounts((len(self.asks) - calls, self.noun)),
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
            self._outcome.left = amounts(*((count, noun) for noun, count in nouns.items()))

    def ask_all(self, one: Worklist, answer: Callable[[Ask], None]) -> None:
        """Let `answer` ask and take in each question of the run; Refused fails it alone, what ends the host is told."""
        if not self._outcome.stopped:
            with told_by(self._outcome):
                self._ask_all(one, answer)

    def _ask_all(self, one: Worklist, answer: Callable[[Ask], None]) -> None:
        patience = Patience(self._outcome, one.host.name)
        for ask in one.now:
            try:
                answer(ask)
            except Refused as refusal:
                patience.refused(ask.label, f"{ask.label}: {refusal}")
            else:
                patience.answered()
                del self._left[id(ask)]
            self._context.progress.advance(self._task)
