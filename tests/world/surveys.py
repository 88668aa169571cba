"""Generated Stack Overflow surveys, in each year's real columns, some 400 respondents each; other files beside them.

Professionals are told by `Professional` in 2017 and by `MainBranch` from 2019 on; 2018 has neither, our choice, so its
professionals cannot be counted. 2025 and 2026 do not ask. Labels are those of SOURCES §4.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from datetime import datetime

from tests.world.othersurveys import kaggle_csv, kaggle_truth, papers_with_code, papers_with_code_truth
from tests.world.refusals import raw_github
from tests.world.reply import Reply, Request, as_text
from tests.world.respondents import Respondent, counted, invented

__all__ = [
    "Surveys",
    "kaggle_csv",
    "kaggle_truth",
    "papers_with_code",
    "papers_with_code_truth",
    "results_csv",
    "truth",
]

YEARS = range(2017, 2027)
RESPONDENTS = 400
PROFESSIONAL = "I am a developer by profession"
_PROFESSIONAL_2017 = "Professional developer"
_FILE = re.compile(r"/(\d{4})/results\.csv")
_NAMES = {
    2017: ("HaveWorkedFramework", "WantWorkedFramework"),
    2018: ("FrameworkWorkedWith", "FrameworkDesireNextYear"),
}
_COUNTRIES = ("Germany", "Korea, South", 'Republic of "Somewhere"', "NA", "\u00d6sterreich")
_TEXTS = ("NA", "", "Two lines,\nand a comma", "TensorFlow; Keras", "plain")


class Surveys:
    """Files of 2017 to 2026, of years not after `now`; those in `pointers` answer with their Git LFS pointer."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.pointers: set[int] = set()
        self._files: dict[int, bytes] = {}

    def at(self, now: datetime) -> None:
        """Move the clock."""
        self.now = now

    def reply(self, request: Request) -> Reply:
        """Answer GET."""
        match = _FILE.fullmatch(request.path)
        year = int(match[1]) if match else 0
        if year not in YEARS or year > self.now.year:
            return raw_github(404)
        return as_text(200, (pointer(year) if year in self.pointers else self.file(year)).decode())

    def file(self, year: int) -> bytes:
        """Return a year's results.csv."""
        if year not in self._files:
            self._files[year] = results_csv(year)
        return self._files[year]


def options(year: int) -> tuple[str, ...]:
    """Return the options of a year's question; none where it was not asked."""
    if year >= 2025:
        return ()
    later = (("Keras", 2020), ("JAX", 2023), ("NumPy", 2021))
    return ("Hadoop", "TensorFlow", "Torch/PyTorch", ".NET Core", *(name for name, since in later if year >= since))


def column(year: int) -> str | None:
    """Return the name of a year's column, None where the survey did not ask."""
    return _columns(year)[0] if year < 2025 else None


def truth(year: int) -> dict[str, dict[str, int] | None]:
    """Return respondents by label, and the base under "", of "all" and of "professionals".

    None where the year did not ask, or, for the professionals of 2018, where nothing tells who is one.
    """
    if not options(year):
        return {"all": None, "professionals": None}
    people = _people(year)
    professionals = [one for one in people if one.professional]
    return {
        "all": counted(people, options(year)),
        "professionals": counted(professionals, options(year)) if year != 2018 else None,
    }


def results_csv(year: int) -> bytes:
    """Return a year's results.csv: quoted cells, NA and empty cells, columns around those that matter."""
    key = "ResponseId" if year >= 2021 else "Respondent"
    branch = "Professional" if year == 2017 else "Hobby" if year == 2018 else "MainBranch"
    header = [
        key,
        branch,
        "Country",
        *(_columns(year) if year < 2025 else ()),
        "SurveyComments",
        "LanguageHaveWorkedWith",
    ]
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL if year % 2 else csv.QUOTE_MINIMAL)
    rows.writerow(header)
    rows.writerows(_row(one, year) for one in _people(year))
    return text.getvalue().encode()


def pointer(year: int) -> bytes:
    """Return the Git LFS pointer to a year's file, 130 bytes."""
    body = results_csv(year)
    oid = hashlib.sha256(body).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(body)}\n".encode()


def _people(year: int) -> list[Respondent]:
    return invented("stackoverflow", year, options(year) or ("nothing",), RESPONDENTS)


def _columns(year: int) -> tuple[str, str]:
    later = ("MiscTechHaveWorkedWith", "MiscTechWantToWorkWith")
    return _NAMES.get(year, ("MiscTechWorkedWith", "MiscTechDesireNextYear") if year <= 2020 else later)


def _row(one: Respondent, year: int) -> list[str]:
    absent = ("NA", "")[one.number % 2]
    between = "; " if year == 2017 else ";"
    asked = []
    if year < 2025:
        # What people want next year must not be counted: everybody wants everything.
        asked = [absent if one.named is None else between.join(one.named), between.join(options(year))]
    comment = _TEXTS[one.number % len(_TEXTS)]
    return [str(one.number), _branch(one, year), _COUNTRIES[one.number % len(_COUNTRIES)], *asked, comment, "Python;R"]


def _branch(one: Respondent, year: int) -> str:
    if year == 2018:
        return "Yes"
    if one.professional:
        return _PROFESSIONAL_2017 if year == 2017 else PROFESSIONAL
    others = ("Student", "NA", "Professional non-developer who sometimes writes code")
    later = ("I am a student who is learning to code", "NA", "I used to be a developer by profession, but no longer am")
    return (others if year == 2017 else later)[one.number % 3]
