"""Finds a survey's question on frameworks in its columns: who named what, who is in which population, of what year."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from collectors.bulk import InputFile
from warehouse.errors import BadInputError

ALL = "all respondents"
# Stack Overflow's question on frameworks: the column and the years that asked it so.
COLUMNS: Mapping[str, Sequence[int]] = {
    "HaveWorkedFramework": (2017,),
    "FrameworkWorkedWith": (2018,),
    "MiscTechWorkedWith": (2019, 2020),
    "MiscTechHaveWorkedWith": (2021, 2022, 2023, 2024),
}
_DEVELOPERS = {"MainBranch": "I am a developer by profession", "Professional": "Professional developer"}
# Kaggle's columns of the question on frameworks. The question is found by its text, these tell the year.
_KAGGLE_YEARS = {r"Q19_Part_\d+": (2018,), r"Q28_Part_\d+": (2019,), r"Q16_Part_\d+": (2020, 2021), r"Q17_\d+": (2022,)}
_KAGGLE_QUESTION, _KAGGLE_OPTION, _KAGGLE_TITLE = (
    "machine learning frameworks",
    "- Selected Choice -",
    "Select the title",
)


@dataclass(frozen=True)
class Question:
    """A survey's question on frameworks: `named` gives the options in a row, `populations` who is in which."""

    survey: str
    year: int
    named: Callable[[Sequence[str]], set[str]]
    populations: Mapping[str, Callable[[Sequence[str]], bool]]
    offered: Collection[str] = ()


def question_of(
    file: InputFile, header: list[str], rows: Iterator[list[str]], places: Sequence[str]
) -> Question | None:
    """Return the file's question, None when it is of a Stack Overflow survey that had none.

    `rows` are those after the header; Kaggle's first is taken off. `places` are names that may tell the year.

    Raises:
        BadInputError: it is no survey that dlpulse knows, or of no year that it can tell.
    """
    for column, years in COLUMNS.items():
        if column in header:
            return _stackoverflow(header, column, year_of(file, places, years))
    if {"ResponseId", "MainBranch"} <= set(header):
        return None
    texts = next(rows, [])
    if len(texts) == len(header) and any(_is_option(text) for text in texts):
        return _kaggle(file, header, texts, places)
    raise BadInputError(
        f"{file.name}: is no survey that dlpulse knows: expected Stack Overflow's results (a column "
        f"{', '.join(COLUMNS)}), Kaggle's responses of 2018 to 2022 or Papers with Code's links (Parquet)"
    )


def _stackoverflow(header: list[str], column: str, year: int) -> Question:
    at = header.index(column)
    populations: dict[str, Callable[[Sequence[str]], bool]] = {ALL: lambda _: True}
    for name, value in _DEVELOPERS.items():
        if name in header:
            populations["professional developers"] = _has(header.index(name), value)
            break
    return Question("stackoverflow", year, lambda row: _listed(row[at]), populations)


def _listed(cell: str) -> set[str]:
    return set() if cell.strip() == "NA" else {option.strip() for option in cell.split(";")} - {""}


def _has(at: int, value: str) -> Callable[[Sequence[str]], bool]:
    return lambda row: row[at].strip() == value


def _is_option(text: str) -> bool:
    return _KAGGLE_QUESTION in text.lower() and _KAGGLE_OPTION in text


def _kaggle(file: InputFile, header: list[str], texts: list[str], places: Sequence[str]) -> Question:
    options = {at: text.rpartition(_KAGGLE_OPTION)[2].strip() for at, text in enumerate(texts) if _is_option(text)}
    first = header[min(options)]
    years = [years for pattern, years in _KAGGLE_YEARS.items() if re.fullmatch(pattern, first)]
    year = year_of(file, places, years[0] if years else range(2018, 2023))
    populations: dict[str, Callable[[Sequence[str]], bool]] = {ALL: lambda _: True}
    for at, text in enumerate(texts):
        if text.startswith(_KAGGLE_TITLE) and not text.endswith("Text"):
            populations["respondents whose title is data scientist"] = _has(at, "Data Scientist")
            break

    def named(row: Sequence[str]) -> set[str]:
        ticked = {at for at in options if row[at].strip() not in ("", "NA")}
        for at in ticked:
            if _letters(row[at]) != _letters(options[at]):
                raise BadInputError(f"{file.name}: column {header[at]}: expected {options[at]!r}, found {row[at]!r}")
        return {options[at] for at in ticked}

    return Question("kaggle", year, named, populations, offered=options.values())


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def year_of(file: InputFile, places: Sequence[str], candidates: Sequence[int]) -> int:
    """Return the one year that the question was asked in, else the one that names tell, the nearest name first.

    Raises:
        BadInputError: no name tells it, or several years.
    """
    if len(candidates) == 1:
        return candidates[0]
    told: list[int] = []
    for place in places:
        told = told or sorted({int(year) for year in re.findall(r"(?<!\d)20\d\d(?!\d)", place)} & set(candidates))
    if len(told) == 1:
        return told[0]
    years = " or ".join(str(year) for year in candidates)
    raise BadInputError(
        f"{file.name}: its columns fit {years}: give it, or its folder, a name with the year, "
        f"for instance results-{candidates[0]}.csv"
    )
