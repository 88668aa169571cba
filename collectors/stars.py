"""Stars: each repository's record and its star history from GitHub, the newest weeks of all before anyone's older."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from collectors.base import Context, Outcome, recording
from collectors.hub import Hub, Refused
from collectors.starplan import WEEKS_A_PAGE, Known, Plan, pages_left, read_known
from warehouse.parse.stars import parse
from warehouse.parse.tables import Rejected, Row
from warehouse.raw import Response, Run


def collect(context: Context) -> Outcome:
    """Ask for every chosen framework's repositories. A fault of one repository does not stop the others."""
    with recording(context, "stars") as (run, outcome):
        _Collection(context, run, outcome).run()
    return outcome


class _Collection:
    def __init__(self, context: Context, run: Run, outcome: Outcome) -> None:
        self.outcome = outcome
        self.hub = Hub(context, run, outcome)
        self.known = read_known(context.archive)
        self.names = [repo.name for framework in context.frameworks for repo in framework.repositories]
        self.registered = {
            repo.name.lower(): repo.name
            for framework in context.registry.frameworks.values()
            for repo in framework.repositories
        }
        self.unasked = list(self.names)
        self.plans: dict[str, Plan] = {}
        self.progress = context.progress
        self.task = context.progress.add_task("stars", total=len(self.names))

    def run(self) -> None:
        """Ask all records first: they give the names for paging, for PyGithub loses the page at a rename's redirect."""
        try:
            for name in self.names:
                self._attempt(name, None)
            for name, page in self._pages():
                self._attempt(name, page)
        finally:
            self.outcome.left = self._left()
        for name, plan in self.plans.items():
            self.outcome.failed += [f"{name}: {line}" for line in plan.gaps()]

    def _pages(self) -> Iterator[tuple[str, int]]:
        """Yield page 1 of every repository, then page 2 of every, …; plans grow and end meanwhile."""
        for page in itertools.count(1):
            if not pages_left(self.plans):
                return
            yield from [(name, page) for name, plan in self.plans.items() if page in plan.pages]

    def _attempt(self, name: str, page: int | None) -> None:
        """Ask for a repository's record (no page) or a page of its history."""
        try:
            if page is None:
                self._record(name)
            else:
                self._history(name, page)
        except Refused as refusal:
            self.outcome.failed.append(f"{name}: {refusal}")
            self.plans.pop(name, None)
        if page is None:
            self.unasked.remove(name)
        self.progress.update(self.task, advance=1, total=self._total(1))

    def _record(self, name: str) -> None:
        known = self.known.setdefault(name, Known())
        answer = self.hub.get(name, f"/repos/{name}", {"kind": "repo"}, etag=known.etag, of=known.record_id)
        if answer.status == 304:
            self.outcome.rows += 1
        else:
            self.outcome.new += known.learn(answer.response, self._rows(answer.response))
        if line := self._alias(name, known):
            self.outcome.failed.append(line)
        else:
            self.plans[name] = Plan.make(known, answer.response.fetched_at)

    def _alias(self, name: str, known: Known) -> str | None:
        """Say so when the repository stands in the registry under another name too: it is not paged twice."""
        advice = "move it to formerly in the registry"
        today = self.registered.get(known.full_name.lower(), name)
        if today != name:
            return f"{name} is {today} today: {advice}"
        for other in self.plans:
            if self.known[other].github_id == known.github_id:
                return f"{name} and {other} are both {known.full_name} today: {advice}"
        return None

    def _history(self, name: str, page: int) -> None:
        plan = self.plans[name]
        path = f"/repos/{plan.full_name}/stargazers/history"
        answer = self.hub.get(name, path, {"kind": "history", "page": page, "per_page": WEEKS_A_PAGE})
        rows = self._rows(answer.response)
        if not rows:
            raise Refused(f"page {page} of its star history is empty, although the repository is older")
        self.outcome.new += self.known[name].learn(answer.response, rows)
        plan.received(page, {row["week"] for _, row in rows}, has_next=answer.has_next)

    def _rows(self, response: Response) -> list[Row]:
        try:
            rows = list(parse(response))
        except Rejected as reason:
            raise Refused(f"{reason} (raw answer {response.response_id})") from None
        self.outcome.rows += len(rows)
        return rows

    def _left(self) -> str:
        counts = {"repository records": len(self.unasked), "pages of star history": pages_left(self.plans)}
        return " and ".join(f"{count} {what}" for what, count in counts.items() if count)

    def _total(self, now: int) -> float:
        done = self.progress.tasks[self.task].completed
        return done + now + len(self.unasked) + pages_left(self.plans)
