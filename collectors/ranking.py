"""Ranking: stars as GitHub's pages showed them in the past, from EvanLi/Github-Ranking's daily files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial

from collectors.asking import Ask, Asker, Host
from collectors.base import Context, Outcome, Plan, Refused, recording
from collectors.fullnames import names_today
from collectors.rankingcut import ours_alone
from collectors.refusals import Patience, Refusals
from collectors.wording import amounts
from warehouse.parse import rows_of
from warehouse.parse.ranking import MISSING, NAMES, conflicts, parse
from warehouse.parse.tables import Rejected
from warehouse.raw import Archive, Run
from warehouse.registry import Framework
from warehouse.settings import Settings

FIRST = date(2018, 12, 18)
FILES_A_RUN = 24
# When a month's last day has no file, the days before it are tried.
DAYS_BACK = 5
# A file that is not there may still come: its day is asked again until it is older than this.
SETTLED_AFTER = timedelta(days=3)
# The label of the refusal when no file at all is there: then nothing is asked by --due for a day.
NO_FILE = "any day"
_DAY = timedelta(days=1)
Days = Sequence[date]


def collect(context: Context) -> Outcome:
    """Ask for a file of each month, or of each day, newest first, until the run's budget is spent."""
    with recording(context, "ranking") as (run, outcome):
        _Collection(context, run, outcome).run()
    return outcome


def plan(context: Context) -> Plan:
    """Say what a run would ask: the budget is met when days have no file, and others are tried instead."""
    steps = open_steps(context)
    now = _in_turn(context, steps)
    calls = min(FILES_A_RUN, sum(len(days) for days in now))
    left = len(steps) - min(len(now), FILES_A_RUN)
    return Plan("ranking", calls, seconds=calls, budget=f"{FILES_A_RUN} a run", left=_left(context, left))


class _Collection:
    def __init__(self, context: Context, run: Run, outcome: Outcome) -> None:
        self.context, self.run_, self.outcome = context, run, outcome
        self.asker = Asker(context, run, outcome, _host(context.settings))
        self.patience = Patience(outcome, self.asker.host.name)
        self.names = _repository_names(context, context.registry.frameworks.values())
        steps = open_steps(context)
        self.steps = _in_turn(context, steps)
        self.resting = len(steps) - len(self.steps)
        self.open = len(steps)
        self.budget = FILES_A_RUN
        # Days answered with 404: without a file only if others have one, for a wrong address gives 404 as well.
        self.unsure: dict[date, str] = {}
        self.found = False
        self.task = context.progress.add_task("ranking", total=min(len(self.steps), FILES_A_RUN))

    def run(self) -> None:
        """Ask for the steps; what was not reached or gave no usable answer stands in the outcome as left."""
        try:
            for days in self.steps:
                if not self.budget:
                    break
                self._attempt(days)
                self.context.progress.advance(self.task)
            self._make_sure()
        finally:
            self.outcome.left = _left(self.context, self.open)

    def _attempt(self, days: Days) -> None:
        """Ask for a step's days until one has a file, or is refused."""
        for day in days:
            if not self.budget:
                return
            self.budget -= 1
            try:
                if self._ask(day):
                    break
            except Refused as refusal:
                self.patience.refused(str(day), f"ranking of {day}: {refusal}")
                return
        self.open -= 1
        self.patience.answered()

    def _ask(self, day: date) -> bool:
        """Ask for a day's file; returns whether there is one. Raises Refused."""
        response = self.asker.get(_question(self.context.settings, day, self.names))
        if response.status == 404:
            self.unsure[day] = response.response_id
        else:
            try:
                rows = list(parse(response))
                differing = conflicts(response)
            except Rejected as reason:
                raise Refused(f"{reason} (raw answer {response.response_id})") from None
            self.found = True
            self.outcome.rows += len(rows)
            self.outcome.new += len(rows)
            if differing:
                self.outcome.noticed.append(f"ranking of {day}: unlike counts of {', '.join(differing[:5])}")
        if self.found and self.unsure:
            self._note_missing()
        return response.status != 404

    def _note_missing(self) -> None:
        self.run_.note(MISSING, {"days": list(self.unsure), "answers": list(self.unsure.values())})
        self.outcome.rows += len(self.unsure)
        self.outcome.new += len(self.unsure)
        self.unsure = {}

    def _make_sure(self) -> None:
        """When no day had a file, ask for the first of all: without that one, the address is wrong."""
        if not self.unsure or self.found:
            return
        last, number = max(self.unsure), len(self.unsure)
        others = f", nor of any other of the {number} days asked" if number > 1 else ""
        try:
            there = self._ask(FIRST)
        except Refused as refusal:
            self.outcome.failed.append(f"ranking of {FIRST}: {refusal}")
            self.outcome.refused.append(str(FIRST))
            there = False
        if not there:
            self.open = len(self.steps) + self.resting
            self.outcome.refused.append(NO_FILE)
            self.outcome.failed.append(
                f"ranking of {last}: no file (404){others}, nor of {FIRST}, the first there is: "
                "is DLPULSE_RANKING_BASE still right?"
            )


def open_steps(context: Context) -> list[Days]:
    """Return what is still to be asked, newest first: for each month or day, its days in the order to try them."""
    present, absent = _known(context.archive, _repository_names(context, context.frameworks))
    steps = _days(context) if context.every == "day" else _months(context)
    unknown = ([day for day in days if day not in absent] for days in steps if not present.intersection(days))
    return [days for days in unknown if days]


def _in_turn(context: Context, steps: list[Days]) -> list[Days]:
    """Return the steps to ask now: those of which a day was refused lately come last, or rest."""
    refusals = Refusals.of(context, "ranking")
    if NO_FILE in refusals.resting:
        return []

    def label(days: Days) -> str:
        return max(map(str, days), key=lambda day: refusals.at.get(day, datetime.min))

    return refusals.in_turn(steps, label)


def _repository_names(context: Context, frameworks: Iterable[Framework]) -> frozenset[str]:
    """Return, in lower case, the names that the frameworks' repositories have or had, also GitHub's own of today."""
    today = names_today(context.archive, context.settings.clock())
    repositories = [repo for framework in frameworks for repo in framework.repositories]
    names = {name for repo in repositories for name in (repo.name, *repo.formerly, today.get(repo.name, repo.name))}
    return frozenset(name.lower() for name in names)


def _known(archive: Archive, names: Collection[str]) -> tuple[set[date], set[date]]:
    """Return the days whose file is archived with the lines of `names`, and those that have none for good."""
    told: dict[date, set[str]] = {}
    absent = set()
    for response in archive.responses("ranking"):
        try:
            rows = [row for table, row in rows_of(response) if table == "ranking_days"]
        except Rejected:
            continue
        for row in rows:
            if not row["is_missing"]:
                # Files of early versions are whole.
                told.setdefault(row["day"], set()).update(response.params.get(NAMES, names))
            elif response.fetched_at.date() - row["day"] > SETTLED_AFTER:
                absent.add(row["day"])
    return {day for day, cut_for in told.items() if cut_for.issuperset(names)}, absent


def _days(context: Context) -> Iterator[Days]:
    day = context.settings.clock().date()
    while (day := day - _DAY) >= FIRST:
        if context.covers(day, day):
            yield [day]


def _months(context: Context) -> Iterator[Days]:
    last = context.settings.clock().date()
    while (last := last.replace(day=1) - _DAY) >= FIRST:
        if context.covers(last, last):
            days = (last - n * _DAY for n in range(DAYS_BACK + 1))
            yield [day for day in days if day >= FIRST and context.covers(day, day)]


def _question(settings: Settings, day: date, names: Collection[str]) -> Ask:
    return Ask(
        label=f"ranking of {day}",
        subject=str(day),
        url=f"{settings.ranking_base.rstrip('/')}/github-ranking-{day}.csv",
        params={"day": str(day)},
        expected=(200, 404),
        keep=partial(ours_alone, names),
    )


def _host(settings: Settings) -> Host:
    return Host("the ranking's server", settings.ranking_base)


def _left(context: Context, steps: int) -> str:
    return amounts((steps, (f"{context.every} of the ranking", f"{context.every}s of the ranking")))
