"""Files that a user fetches by hand, generated: Kaggle's surveys and the Papers-with-Code archive."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from functools import cache

from tests.world.respondents import Respondent, counted, invented

KAGGLE_YEARS = range(2018, 2023)
RESPONDENTS = 300
QUESTION = {2018: "Q19_Part_", 2019: "Q28_Part_", 2020: "Q16_Part_", 2021: "Q16_Part_", 2022: "Q17_"}
_JOBS = {2018: "Q6", 2022: "Q23"}
_OPTIONS = ("Scikit-learn", "TensorFlow", "Keras", "PyTorch", "Fast.ai", "MXNet", "Xgboost")
_TEXT = "Which of the following machine learning frameworks do you use on a regular basis? (Select all that apply)"
Link = tuple[str, str, str | None, str, bool, str]


def kaggle_csv(year: int) -> bytes:
    """Return kaggle_survey_{year}_responses.csv: names, then questions, then a row a person, a column an option."""
    labels = (*kaggle_options(year), "None", "Other")
    texts = [f"{_TEXT} - Selected Choice - {_cell(label)}" for label in labels]
    names = [f"{QUESTION[year]}{number}" for number in range(1, len(labels) + 1)]
    job = _JOBS.get(year, "Q5")
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["Time from Start to Finish (seconds)", job, *names, f"{names[-1]}_TEXT", "Q99_Part_1"])
    rows.writerow(
        ["Duration (in seconds)", "Select the title, most similar to yours", *texts, "Other - Text", "Other question"]
    )
    rows.writerows(_answer(one, labels) for one in _people(year))
    return text.getvalue().encode()


def kaggle_options(year: int) -> tuple[str, ...]:
    """Return the frameworks that a year offers."""
    return (*_OPTIONS, *(("CNTK", "Caffe") if year == 2018 else ()), *(("JAX",) if year >= 2021 else ()))


def kaggle_truth(year: int) -> dict[str, dict[str, int]]:
    """Return respondents by label, and the base (who ticked anything) under "", of "all" and "data_scientists"."""
    people, labels = _people(year), (*kaggle_options(year), "None")
    scientists = [one for one in people if one.professional]
    return {"all": counted(people, labels), "data_scientists": counted(scientists, labels)}


def _people(year: int) -> list[Respondent]:
    return invented("kaggle", year, (*kaggle_options(year), "None"), RESPONDENTS)


def _answer(one: Respondent, labels: tuple[str, ...]) -> list[str]:
    ticked = [_cell(label) if one.named and label in one.named else "" for label in labels]
    return [str(60 + one.number), "Data Scientist" if one.professional else "Student", *ticked, "", "TensorFlow"]


def _cell(label: str) -> str:
    # Kaggle's own cells carry blanks around the label.
    return f"  {label} "


def papers_with_code() -> bytes:
    """Return links-between-paper-and-code as one Parquet file."""
    import pyarrow
    import pyarrow.parquet

    names = ("paper_url", "paper_title", "paper_arxiv_id", "repo_url", "is_official", "framework")
    columns = dict(zip(names, map(list, zip(*_links(), strict=True)), strict=True))
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), file)
    return file.getvalue()


def papers_with_code_truth() -> dict[tuple[str, str], int]:
    """Return distinct repositories by (month of the arXiv id, "YYYY-MM", and framework as the archive writes it)."""
    found = {
        (f"20{arxiv_id[:2]}-{arxiv_id[2:4]}", framework, repo)
        for _, _, arxiv_id, repo, _, framework in _links()
        if arxiv_id
    }
    counts: dict[tuple[str, str], int] = {}
    for month, framework, _ in found:
        counts[month, framework] = counts.get((month, framework), 0) + 1
    return counts


@cache
def _links() -> tuple[Link, ...]:
    return tuple(_invented_links())


def _invented_links() -> Iterator[Link]:
    chance = random.Random("papers with code")
    for number in range(1_200):
        year, month = 2016 + number * 9 // 1_200, 1 + number % 12
        arxiv_id = f"{year % 100:02d}{month:02d}.{number:05d}" if number % 10 else None
        rising = (year - 2015) / 10
        weights = (1.1 - rising, rising, 0.1, 0.05, 0.3)
        framework = chance.choices(("tf", "pytorch", "jax", "mxnet", "none"), weights)[0]
        title = f"Generated paper {number}"
        link = (f"https://paperswithcode.example/paper/generated-{number}", title, arxiv_id,
                f"https://github.com/generated/code-{number}", number % 3 == 0, framework)  # fmt: skip
        yield link
        if number % 25 == 0:
            yield link
