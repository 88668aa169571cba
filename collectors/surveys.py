"""Surveys: counts Stack Overflow's yearly answers, one file a run, beside the cited figures shipped with dlpulse.

Kaggle's answers need a login and Papers with Code's links are one large file: both come by `dlpulse import survey`.
"""

from __future__ import annotations

import json
import shutil
from datetime import date

from collectors import surveyfiles
from collectors.asking import Ask, Asker, Host
from collectors.base import Context, Outcome, Plan, Refused, recording
from collectors.bulk import InputFile
from collectors.refusals import Patience, Refusals
from collectors.wording import Noun, amounts
from warehouse import cited
from warehouse.errors import BadInputError
from warehouse.parse.surveys import FAULT
from warehouse.raw import Run

SOURCE = "surveys"
YEARS = tuple(range(2024, 2016, -1))
_YEARS: Noun = ("year of Stack Overflow's survey", "years of Stack Overflow's survey")
# A minute or so for up to 200 MB.
SECONDS_A_FILE = 60.0
_HEAD_BYTES = 1_000


class _TooFew(Refused):
    """The file holds the answers of a handful: no fault that anyone could name, and no survey either."""


def collect(context: Context) -> Outcome:
    """Count the newest year not counted yet; `rows` holds the cited survey figures too.

    A year whose file cannot be read, or holds too few answers, is named, and the next older one is asked instead; later
    runs try it after the others, and under --due not on the same day.
    """
    with recording(context, SOURCE) as (run, outcome):
        outcome.left = ""
        outcome.rows = sum(fact.table == SOURCE for fact in cited.facts())
        known = _known(context)
        _note_unasked(context, run, outcome, known)
        left = _wanted(context, known)
        try:
            if left:
                _ask_newest(context, run, outcome, left)
        finally:
            outcome.left = amounts((len(left), _YEARS))
    return outcome


def plan(context: Context) -> Plan:
    """One file a run, the newest first."""
    left = _wanted(context, _known(context))
    calls = len(_in_turn(context, left)[:1])
    return Plan(
        SOURCE,
        calls=calls,
        seconds=SECONDS_A_FILE * calls,
        budget="a file (200 MB) a run",
        left=amounts((len(left) - calls, _YEARS)),
    )


def _known(context: Context) -> set[int]:
    """The years of Stack Overflow's survey that are counted by the rules in force, downloaded or imported.

    Not those of which a file held too few answers.
    """
    return {
        answer.params["year"]
        for answer in context.archive.responses(SOURCE)
        if answer.params.get("kind") == "stackoverflow"
        and answer.params.get("rules") == surveyfiles.RULES
        and not surveyfiles.too_few(answer.json())
    }


def _wanted(context: Context, known: set[int]) -> list[int]:
    if not any(framework.survey_labels for framework in context.frameworks):
        return []
    return [year for year in YEARS if year not in known and _covers(context, year)]


def _in_turn(context: Context, years: list[int]) -> list[int]:
    return Refusals.of(context, SOURCE).in_turn(years, _label)


def _label(year: int) -> str:
    return f"Stack Overflow {year}"


def _covers(context: Context, year: int) -> bool:
    return context.covers(date(year, 1, 1), date(year, 12, 31))


def _note_unasked(context: Context, run: Run, outcome: Outcome, known: set[int]) -> None:
    """Archive which surveys had no question on frameworks; once, without asking for their files."""
    for year in surveyfiles.UNASKED_YEARS:
        if year in known or not _covers(context, year):
            continue
        page = surveyfiles.official_page("stackoverflow", year)
        note = {"survey": "stackoverflow", "year": year, "asked": False, "source_url": page, "populations": {}}
        params = {"rules": surveyfiles.RULES, "kind": "stackoverflow", "year": year}
        run.write(f"survey:stackoverflow:{year}", json.dumps(note, sort_keys=True).encode(), url=page, params=params)
        outcome.rows += 1
        outcome.new += 1


def _ask_newest(context: Context, run: Run, outcome: Outcome, left: list[int]) -> None:
    """Ask for the newest of the years `left` that can be read, and take it off them."""
    base = context.settings.survey_base
    asker = Asker(context, run, outcome, Host("Stack Overflow's survey archive", base))
    task = context.progress.add_task(SOURCE, total=None)
    patience = Patience(outcome, asker.host.name, "file")
    for year in _in_turn(context, left):
        try:
            _ask_year(context, asker, run, outcome, year)
        except _TooFew as few:
            outcome.noticed.append(f"{_label(year)}: {few}")
            outcome.refused.append(_label(year))
        except Refused as refusal:
            patience.refused(_label(year), f"{_label(year)}: {refusal}")
        else:
            left.remove(year)
            break
    context.progress.update(task, total=1, completed=1)


def _ask_year(context: Context, asker: Asker, run: Run, outcome: Outcome, year: int) -> None:
    # A folder of its own: what a killed run left in it is removed with it.
    folder = context.settings.home / "downloads" / SOURCE
    shutil.rmtree(folder, ignore_errors=True)
    url = f"{context.settings.survey_base}/{year}/results.csv"
    ask = Ask(_label(year), f"survey:stackoverflow:{year}", url, params={"year": year})
    try:
        file = asker.download(ask, folder)
        try:
            counts = surveyfiles.count(file, context.stop)
            if (counts["survey"], counts["year"]) != ("stackoverflow", year):
                raise BadInputError(f"{file.name}: holds the answers of {counts['survey']} {counts['year']}")
        except BadInputError as error:
            raise Refused(f"{error} (raw answer {_archive_head(run, ask, file, str(error))})") from None
        if few := surveyfiles.too_few(counts):
            raise _TooFew(f"{few} (raw answer {_archive_head(run, ask, file, few)})")
        surveyfiles.archive(run, outcome, file, "stackoverflow", counts, year=year)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _archive_head(run: Run, ask: Ask, file: InputFile, fault: str) -> str:
    """Archive the first line of an unusable file, at most a header and no person's answers; return the answer's id."""
    with file.path.open("rb") as content:
        head = content.read(_HEAD_BYTES).partition(b"\n")[0].partition(b"\r")[0]
    params = {**ask.params, **file.params, FAULT: fault}
    return run.write(ask.subject, head, url=file.address, params=params, status=200).response_id
