"""Downloads: the newest 180 days from pypistats.org, the past by day from ClickHouse, conda's by month.

Three hosts in one run; one that fails does not stop the others. What the figures lean to: `BIASES` of the parser.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial

from collectors.asking import Ask, Asker
from collectors.base import Context, Outcome, Plan, Refused, recording
from collectors.condafile import NotConda, monthly
from collectors.downloadplan import MONTHS_A_RUN, YEARS_A_RUN, Known, read_known, works_of
from collectors.wire import KEPT_BYTES
from collectors.worklist import Work, Worklist
from warehouse.parse import Rejected, rows_of
from warehouse.raw import Response, Run

# conda's newest months appear late.
CONDA_LATE = timedelta(days=92)


def collect(context: Context) -> Outcome:
    """Ask the three hosts for what is not known."""
    known = read_known(context)
    works = works_of(context, known)
    with recording(context, "downloads") as (run, outcome):
        _Collection(context, run, outcome, known, works).run()
    return outcome


def plan(context: Context) -> Plan:
    """Say what a run would ask; asks nothing."""
    works = works_of(context, read_known(context))
    plans = [work.plan() for work in works]
    return Plan(
        "downloads",
        calls=sum(one.calls for one in plans),
        seconds=sum(one.seconds for one in plans),
        budget=f"{YEARS_A_RUN} years, {MONTHS_A_RUN} months a run",
        left=" and ".join(one.left for one in plans if one.left),
    )


class _Collection:
    """One run over the three lists."""

    def __init__(self, context: Context, run: Run, outcome: Outcome, known: Known, works: Sequence[Worklist]) -> None:
        self.context, self.archive, self.outcome, self.known, self.works = context, run, outcome, known, works

    def run(self) -> None:
        work = Work(self.context, self.outcome, self.works)
        with work.going_on():
            for one in self.works:
                asker = Asker(self.context, self.archive, self.outcome, one.host)
                work.ask_all(one, partial(self._answer, asker))

    def _answer(self, asker: Asker, ask: Ask) -> None:
        kind = ask.params["kind"]
        response = self._month(asker, ask) if kind == "conda" else asker.get(ask)
        if response is None:
            return
        try:
            rows = rows_of(response)
        except Rejected as reason:
            raise Refused(f"{reason} (raw answer {response.response_id})") from None
        if response.status == 404 and ask.params["package"] not in self.known.unknown:
            self.outcome.noticed.append(f"{ask.params['package']}: pypistats.org knows no such package")
        self.outcome.rows += len(rows)
        self.outcome.new += self.known.learn(response, rows)

    def _month(self, asker: Asker, ask: Ask) -> Response | None:
        """Archive what a month's file says of the packages; None when conda has no such file, as of a recent month."""
        try:
            file = asker.download(ask, self.context.settings.home / "downloads")
        except Refused as refusal:
            month = date.fromisoformat(f"{ask.params['month']}-01")
            # S3 answers 403 where there is no file.
            if refusal.status not in (403, 404) or not self._is_recent(month):
                raise
            self.outcome.noticed.append(f"{ask.label}: not published yet: {refusal}")
            return None
        facts = {**ask.params, **file.params}
        try:
            content = monthly(file, ask.params["month"], ask.params["packages"])
            body, facts["last"] = json.dumps(content, sort_keys=True).encode(), True
            return self.archive.write(ask.subject, body, url=file.address, params=facts)
        except NotConda as reason:
            with file.path.open("rb") as damaged:
                head = damaged.read(KEPT_BYTES)
            response = self.archive.write(ask.subject, head, url=file.address, params=facts, status=200)
            raise Refused(
                f"not conda's monthly file: {reason} (its head is raw answer {response.response_id})"
            ) from None
        finally:
            file.path.unlink(missing_ok=True)

    def _is_recent(self, month: date) -> bool:
        return self.context.settings.clock().date() - month < CONDA_LATE
