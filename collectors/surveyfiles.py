"""Reads survey files: who named which option, counted; no person's answers are kept. `dlpulse import survey`.

Stack Overflow's results and Kaggle's responses (CSV), and Papers with Code's links between papers and code (Parquet).
"""

from __future__ import annotations

import csv
import io
import json
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from collectors import paperlinks
from collectors.base import Context, Outcome, Stopped
from collectors.bulk import InputFile, unpacked
from collectors.surveyquestions import ALL, Question, question_of, year_of
from collectors.wording import amount
from warehouse.errors import BadInputError
from warehouse.parse import rows_of
from warehouse.raw import Run

# Raised when the same file would be counted differently.
RULES = "survey-1"
STACKOVERFLOW_URL = "https://github.com/StackExchange/Survey/tree/main/packages/archive"
UNASKED_YEARS = (2025, 2026)
# Real surveys have thousands of answers: fewer are a sample, or what came of a broken copy.
FEWEST_RESPONDENTS = 100
# The answers beside which archives hold schemas and free texts; the first that fits one file is taken.
_MEMBERS = (
    "results_public.csv", "results.csv", "multiplechoiceresponses.csv", "multiple_choice_responses.csv",
    "_responses.csv", ".csv",
)  # fmt: skip
_LICENCES = {"stackoverflow": "ODbL 1.0", "kaggle": "Kaggle's terms", "paperswithcode": "CC-BY-SA-4.0"}
_POINTER = "version https://git-lfs"
_LONGEST_LINE = 2**20
# Real questions have some 40; more means that the column holds no options.
_MOST_OPTIONS = 500


def rules(_: Context) -> str:
    """Return the version of the counting; the registry has no part in it, as every option is counted."""
    return RULES


def read(context: Context, run: Run, outcome: Outcome, file: InputFile) -> None:
    """Count a survey file or a Parquet file of links, and archive the counts; raises BadInputError, Stopped."""
    with file.path.open("rb") as content:
        is_parquet = content.read(4) == b"PAR1"
    if is_parquet:
        links = paperlinks.count(file, context.settings.clock(), context.stop)
        outcome.noticed.append(f"{file.name}: {links.undated:,} papers without an arXiv id are counted in no month")
        archive(run, outcome, file, "paperswithcode", {"months": links.months}, papers_without_arxiv_id=links.undated)
    else:
        counts = count(file, context.stop)
        if few := too_few(counts):
            outcome.noticed.append(f"{file.name}: {few}")
        archive(run, outcome, file, counts["survey"], counts, year=counts["year"])


def too_few(counts: Mapping[str, Any]) -> str:
    """Return the line for people when so few answered that the year must not count as done, else ""."""
    if not counts["asked"] or (base := counts["populations"][ALL]["base"]) >= FEWEST_RESPONDENTS:
        return ""
    people = amount(base, ("respondent", "respondents"))
    return f"only {people} answered the question of {counts['year']}: its answers are still to be had whole"


def archive(run: Run, outcome: Outcome, file: InputFile, kind: str, counts: Mapping[str, Any], **more: Any) -> None:
    """Archive what was counted in a file, with what is known of the file itself."""
    params = {**file.params, "rules": RULES, "kind": kind, "licence": _LICENCES[kind], "last": True, **more}
    subject = f"survey:{kind}:{more['year']}" if "year" in more else f"survey:{kind}"
    body = json.dumps(counts, sort_keys=True, ensure_ascii=False).encode()
    rows = len(rows_of(run.write(subject, body, url=_public(file), params=params)))
    outcome.rows += rows
    outcome.new += rows


def count(file: InputFile, stop: threading.Event) -> dict[str, Any]:
    """Count a survey's answers: survey, year, asked, source_url, populations {name: {base, labels {label: people}}}.

    Memory stays the same whatever the size. Raises BadInputError, Stopped.
    """
    member = _member(file)
    with unpacked(file, member) as content:
        rows = _rows(file, content, stop)
        header = next(rows, [])
        places = (member, file.name, _folder(file))
        question = question_of(file, header, rows, places)
        populations = {} if question is None else _counted(file, header, rows, question)
    survey = question.survey if question else "stackoverflow"
    year = question.year if question else year_of(file, places, UNASKED_YEARS)
    return {
        "survey": survey,
        "year": year,
        "asked": question is not None,
        "source_url": _public(file) or official_page(survey, year),
        "populations": populations,
    }


def official_page(survey: str, year: int) -> str:
    """Return where a survey's answers of a year are published."""
    if survey == "stackoverflow":
        return f"{STACKOVERFLOW_URL}/{year}"
    return f"https://www.kaggle.com/{'datasets/kaggle' if year == 2018 else 'c'}/kaggle-survey-{year}"


def _counted(
    file: InputFile, header: list[str], rows: Iterator[list[str]], question: Question
) -> dict[str, dict[str, Any]]:
    bases = dict.fromkeys(question.populations, 0)
    people: dict[str, Counter[str]] = {name: Counter() for name in bases}
    for row in rows:
        if row == header:
            raise BadInputError(f"{file.name}: its header stands there twice: expected one survey a file")
        named = question.named(row)
        for name, belongs in question.populations.items():
            if named and belongs(row):
                bases[name] += 1
                people[name].update(named)
        if len(people[ALL]) > _MOST_OPTIONS:
            raise BadInputError(f"{file.name}: more than {_MOST_OPTIONS} different answers: expected a list of options")
    if not bases[ALL]:
        raise BadInputError(f"{file.name}: nobody answered the question on frameworks: is the file whole?")
    labels = sorted({*question.offered, *people[ALL]})
    return {
        name: {"base": base, "labels": {label: people[name][label] for label in labels}}
        for name, base in bases.items()
        if base
    }


def _rows(file: InputFile, content: Any, stop: threading.Event) -> Iterator[list[str]]:
    """Yield the cells of each row, all rows as long as the first; raises BadInputError, Stopped."""
    reader = csv.reader(_lines(file, io.TextIOWrapper(content, "utf-8-sig", newline="")), strict=True)
    width = 0
    try:
        for number, row in enumerate(reader, 1):
            if number % 1_000 == 0 and stop.is_set():
                raise Stopped("stopped")
            width = width or len(row)
            if row and len(row) != width:
                raise BadInputError(f"{file.name}: row {number:,} has {len(row)} cells, expected {width}: cut short?")
            if row:
                yield row
    except UnicodeDecodeError:
        raise BadInputError(f"{file.name}: is not UTF-8 text") from None
    except csv.Error as error:
        raise BadInputError(f"{file.name}: line {reader.line_num + 1:,} is not CSV: {error}") from None


def _lines(file: InputFile, text: io.TextIOWrapper) -> Iterator[str]:
    """Yield the lines, none longer than _LONGEST_LINE; raises BadInputError for what is no table at all."""
    line = text.readline(_LONGEST_LINE)
    if line.startswith(_POINTER):
        raise BadInputError(
            f"{file.name}: is a Git LFS pointer, not the answers: fetch the file itself with `git lfs pull`"
        )
    if not line or line.lstrip().startswith("<"):
        raise BadInputError(f"{file.name}: is {'a web page' if line else 'empty'}, expected a survey's answers (CSV)")
    while line:
        if not line.endswith(("\n", "\r")):
            reason = "is cut short: its last line has no end" if len(line) < _LONGEST_LINE else "has an endless line"
            raise BadInputError(f"{file.name}: {reason}")
        yield line
        line = text.readline(_LONGEST_LINE)


def _member(file: InputFile) -> str:
    """Return the path of the answers in a zip archive, "" when it is none or holds none that is known."""
    try:
        with zipfile.ZipFile(file.path) as packed:
            names = [name for name in packed.namelist() if "__MACOSX" not in name]
    except zipfile.BadZipFile:
        return ""
    fitting = ([name for name in names if name.lower().endswith(ending)] for ending in _MEMBERS)
    return next((found[0] for found in fitting if len(found) == 1), "")


def _folder(file: InputFile) -> str:
    return PurePath(urlsplit(file.address).path if file.address else file.path.absolute()).parent.name


def _public(file: InputFile) -> str | None:
    """The address without what follows `?`: signed addresses carry their key there."""
    return file.address and urlsplit(file.address)._replace(query="", fragment="").geturl()
