"""Questions on Stack Overflow by month, with each framework's tags and in all: newest first, within the day's quota."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from collectors.asking import Ask, Asker, Host
from collectors.base import Context, LimitReached, Outcome, Plan, Refused, recording
from collectors.refusals import Refusals
from collectors.worklist import Work, Worklist
from warehouse.parse import Rejected, rows_of
from warehouse.parse.questions import content_of, month_after
from warehouse.raw import Response, Run
from warehouse.settings import is_loopback

FIRST_MONTH = date(2008, 8, 1)
# Deletions and new tags in the first days change a count; later, it is taken as it is.
SETTLED_AFTER = timedelta(days=7)
QUOTA, QUOTA_WITH_KEY = 300, 10_000
# Stack Exchange blocks addresses that ask more than 30 times a second.
SECONDS_BETWEEN_REQUESTS = 0.1
_AVAILABLE_IN = re.compile(r"available in (\d{1,7}) seconds")

Key = tuple[str | None, date]
"""A tag (None: all questions) and the first day of a month."""


@dataclass
class _Known:
    """What earlier answers say: counts, which of them are settled, what is left of today's quota, and the last pause.

    `quota_left` is None while no answer of today tells it.
    """

    counts: dict[Key, int] = field(default_factory=dict)
    settled: set[Key] = field(default_factory=set)
    asked_today: int = 0
    quota_left: int | None = None
    ready_at: datetime = datetime.min

    def learn(self, response: Response) -> int:
        """Take in an answer; returns how many counts were not known, or others, before. Raises Rejected."""
        new = 0
        for _, row in rows_of(response):
            key = row["tag"], row["month"]
            new += self.counts.get(key) != row["questions"]
            self.counts[key] = row["questions"]
            if response.fetched_at.date() >= month_after(row["month"]) + SETTLED_AFTER:
                self.settled.add(key)
        return new


def _read_known(context: Context) -> _Known:
    known, today = _Known(), context.settings.clock().date()
    quota = _quota(context)
    for response in context.archive.responses("questions"):
        if response.status is None:
            continue
        try:
            content = content_of(response)
        except Rejected:
            content = {}
        # The quota is counted by days of UTC.
        if response.fetched_at.date() == today:
            known.asked_today += 1
            if content.get("quota_max") == quota:
                known.quota_left = _whole(content, "quota_remaining")
        if pause := _whole(content, "backoff"):
            known.ready_at = max(known.ready_at, response.fetched_at + timedelta(seconds=pause))
        try:
            known.learn(response)
        except Rejected:
            continue
    return known


def collect(context: Context) -> Outcome:
    """Ask for every count that is not settled, as far as the day's quota goes."""
    known = _read_known(context)
    with recording(context, "questions") as (run, outcome):
        _Collection(context, run, outcome, known).run()
    return outcome


def plan(context: Context) -> Plan:
    """Say what a run would ask; asks nothing."""
    known = _read_known(context)
    work = _worklist(context, known)
    return replace(work.plan(), budget=f"{work.budget:,} of {_quota(context):,} left today")


def _worklist(context: Context, known: _Known) -> Worklist:
    asks, left_today = list(_asks(context, known)), _budget(context, known)
    refusals = Refusals.of(context, "questions")
    noun = ("month's count of questions", "months' counts of questions")
    return Worklist("questions", _host(context), asks, noun, refusals, left_today, seconds_each=0.3)


class _Collection:
    """One run; `pause` is how many seconds Stack Exchange asks to wait before the next request."""

    def __init__(self, context: Context, run: Run, outcome: Outcome, known: _Known) -> None:
        self.context, self.outcome, self.known = context, outcome, known
        self.asker = Asker(context, run, outcome, _host(context))
        self.list = _worklist(context, known)
        self.pause = (known.ready_at - context.settings.clock()).total_seconds() if known.ready_at > datetime.min else 0

    def run(self) -> None:
        work = Work(self.context, self.outcome, [self.list])
        with work.going_on():
            if self.list.waiting and not self.list.now:
                raise self._quota_used()
            work.ask_all(self.list, self._answer)
        self.outcome.noticed += _unknown_tags(self.context, self.known)

    def _wait(self) -> None:
        """Obey the newest answer's `backoff`."""
        if self.pause > self.context.settings.max_wait:
            when = self.context.settings.clock() + timedelta(seconds=self.pause)
            raise LimitReached(f"Stack Exchange asks for a pause of {self.pause:,.0f} s", when)
        if self.known.quota_left == 0:
            raise self._quota_used()
        self.context.stop.wait(max(0.0, self.pause))
        self.pause = 0

    def _answer(self, ask: Ask) -> None:
        self._wait()
        response = self.asker.get(ask)
        try:
            content = content_of(response)
            self.pause = _whole(content, "backoff") or 0
            self.known.quota_left = _whole(content, "quota_remaining")
            self._note_budget(response.fetched_at.date())
            if content.get("error_name") == "throttle_violation":
                raise self._throttled(content)
            self.outcome.new += self.known.learn(response)
        except Rejected as reason:
            raise Refused(f"{reason} (raw answer {response.response_id})") from None
        self.outcome.rows += 1

    def _note_budget(self, day: date) -> None:
        if self.known.quota_left is not None:
            self.outcome.budget = f"{self.known.quota_left:,} of {_quota(self.context):,} calls left on {day} UTC"

    def _throttled(self, content: Mapping[str, object]) -> LimitReached:
        told = _AVAILABLE_IN.search(str(content.get("error_message")))
        wait = timedelta(seconds=int(told[1]) if told else 60)
        return LimitReached("Stack Exchange's limit is reached", self.context.settings.clock() + wait)

    def _quota_used(self) -> LimitReached:
        tomorrow = self.context.settings.clock().date() + timedelta(days=1)
        hint = "" if self.context.settings.stackexchange_key else " (a free DLPULSE_STACKEXCHANGE_KEY gives 10,000)"
        return LimitReached(f"Stack Exchange's quota of the day is used{hint}", datetime.combine(tomorrow, time.min))


def _asks(context: Context, known: _Known) -> Iterator[Ask]:
    """Yield the questions for all counts that are not settled: newest month first, all questions before the tags."""
    starts = _starts(context)
    for month in reversed(list(_whole_months(context, min(starts.values(), default=date.max)))):
        last = month_after(month) - timedelta(days=1)
        if not context.covers(month, last):
            continue
        for tag in (None, *(tag for tag, start in starts.items() if start <= month)):
            if (tag, month) not in known.settled:
                yield _ask(context, tag, month)


def _ask(context: Context, tag: str | None, month: date) -> Ask:
    # Both ends are included.
    bounds = {"fromdate": str(_epoch(month)), "todate": str(_epoch(month_after(month)) - 1)}
    key = context.settings.stackexchange_key
    return Ask(
        f"{tag or 'all questions'} {month:%Y-%m}",
        f"tag:{tag}" if tag else "all",
        f"{context.settings.stackexchange_api.rstrip('/')}/questions",
        {"kind": "questions", "tag": tag, "month": f"{month:%Y-%m}", **bounds},
        {
            "site": "stackoverflow",
            "filter": "total",
            **bounds,
            **({"tagged": tag} if tag else {}),
            **({"key": key} if key else {}),
        },
        expected=(200, 400),
    )


def _starts(context: Context) -> dict[str, date]:
    """Return the first month to ask of each tag of the chosen frameworks."""
    starts: dict[str, date] = {}
    for framework in context.frameworks:
        release = framework.first_released_on
        # Questions may come before a first release: previews, announcements.
        year_before = date(max(FIRST_MONTH.year, release.year - 1), release.month, 1)
        for tag in framework.stackoverflow_tags:
            starts[tag] = min(starts.get(tag, date.max), max(FIRST_MONTH, year_before))
    return starts


def _whole_months(context: Context, first: date) -> Iterator[date]:
    today = context.settings.clock().date()
    while first < date.max and month_after(first) <= today:
        yield first
        first = month_after(first)


def _unknown_tags(context: Context, known: _Known) -> list[str]:
    """Return a line for each tag that was asked about in all its months and has no question in any."""
    lines = []
    for tag, start in _starts(context).items():
        counts = [known.counts.get((tag, month)) for month in _whole_months(context, start)]
        if counts and all(count == 0 for count in counts):
            lines.append(f"{tag}: Stack Overflow has no question with this tag; correct it in the registry")
    return lines


def _host(context: Context) -> Host:
    address = context.settings.stackexchange_api
    return Host("Stack Exchange", address, 0.0 if is_loopback(address) else SECONDS_BETWEEN_REQUESTS)


def _quota(context: Context) -> int:
    return QUOTA_WITH_KEY if context.settings.stackexchange_key else QUOTA


def _budget(context: Context, known: _Known) -> int:
    """Return how many requests of today's quota are left, by our own count or by Stack Exchange's if that is lower."""
    own = max(0, _quota(context) - known.asked_today)
    return own if known.quota_left is None else min(own, known.quota_left)


def _whole(content: Mapping[str, object], key: str) -> int | None:
    value = content.get(key)
    return value if type(value) is int and value >= 0 else None


def _epoch(day: date) -> int:
    return int(datetime.combine(day, time.min, UTC).timestamp())
