"""What the report shows of a database: the pages' own figures in their first views, chapter by chapter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pandas as pd

from dashboards import (
    claim_table,
    controls,
    data,
    findings,
    literature,
    measurements,
    mentions,
    overview_table,
    page,
    performance,
    series,
    starcounts,
    usage,
    wording,
)
from dashboards.figure import Figure
from dashboards.figures import benchmarks as benchfigures
from dashboards.figures import first as firstfigures
from dashboards.figures import papers as paperfigures
from dashboards.figures import performance as performancefigures
from dashboards.figures import stars as starfigures
from dashboards.figures import surveys as surveyfigures
from dashboards.figures import usage as usagefigures
from dashboards.reader import Published


@dataclass(frozen=True)
class Chapter:
    """A heading, what is said under it, a table as HTML ("" for none), and figures."""

    heading: str
    words: str = ""
    table: str = ""
    figures: list[Figure] = field(default_factory=list)


def chapters(state: Published) -> Iterator[Chapter]:
    """Yield the chapters of which anything is known."""
    known = data.frameworks(state)
    figures = data.figures(state)
    chosen = list(known["framework_id"])[: controls.CHOSEN_AT_FIRST]
    yield _overview(state, known, figures, chosen)
    made = {
        "Stars": (_kinds_of_stars(), list(_stars(state, known, chosen))),
        "Papers": ("", list(_papers(state, known, figures, chosen))),
        "Surveys": (surveyfigures.WARNING, list(_surveys(state, known, chosen))),
        "Downloads and questions": (usagefigures.BIAS, list(_usage(state, known, chosen))),
        "Benchmarks": (benchfigures.ABOUT, list(_benchmarks(state))),
        "Popularity × speed": (performancefigures.ABOUT, list(_performance(state))),
    }
    for heading, (words, own) in made.items():
        if own:
            yield Chapter(heading, words, figures=own)
    yield from _criteria(state)
    yield from _claims(state)


def _criteria(state: Published) -> Iterator[Chapter]:
    rows = data.criteria(state)
    if rows["value"].notna().any():
        yield Chapter("Which to learn first?", firstfigures.ABOUT, figures=[firstfigures.evidence(rows)])


def _claims(state: Published) -> Iterator[Chapter]:
    claims = data.claims(state)
    for day in dict.fromkeys(claims["valid_on"]):
        own = claims[claims["valid_on"] == day]
        yield Chapter(
            f"The article of 2018, for {wording.day(day)}",
            claim_table.summary(own),
            claim_table.table(own, with_sql=True),
        )


def _overview(state: Published, known: pd.DataFrame, figures: pd.DataFrame, chosen: list[str]) -> Chapter:
    run = measurements.newest(state)
    told = [findings.gains(figures, chosen, page.names(known))]
    if run is not None:
        told.append(findings.speeds(run))
    observed = starcounts.total(state, "observed")
    lines = series.break_lines(observed, data.gaps(state, None), series.LONGEST_STEP_DAYS["observed"])
    noisy = set(measurements.noisy_speeds(state).itertuples(index=False, name=None))
    table = overview_table.table(known, figures, lines, chosen, noisy=noisy, dark=False)
    heading = findings.overview(figures, page.names(known))
    return Chapter(heading, " ".join(filter(None, told)), table)


def _kinds_of_stars() -> str:
    kinds = " ".join(f"{kind.capitalize()}: {meaning}." for kind, meaning in starfigures.MEANING.items())
    return f"{kinds} The three are never mixed on one line."


def _stars(state: Published, known: pd.DataFrame, chosen: list[str]) -> Iterator[Figure]:
    for estimator in starcounts.ESTIMATORS:
        view = starfigures.View(estimator)
        points = starfigures.points(state, view)
        if not points.empty:
            figure = starfigures.figure(state, known, points, view, chosen)
            yield replace(figure, key=f"stars-{estimator}")


def _papers(state: Published, known: pd.DataFrame, figures: pd.DataFrame, chosen: list[str]) -> Iterator[Figure]:
    points = data.mentions(state)
    for kind in mentions.kinds(points, figures)[:1]:
        shown, thin = mentions.drawable(points, kind)
        if not shown.empty:
            yield paperfigures.shares(state, known, shown, kind, chosen, thin)
    cells = literature.together(state, paperfigures.ALL_YEARS)
    if not cells.empty:
        yield paperfigures.together(cells, paperfigures.ALL_YEARS, chosen)


def _surveys(state: Published, known: pd.DataFrame, chosen: list[str]) -> Iterator[Figure]:
    """Yield the newest year of each survey that has shares, the newest survey first; three at most."""
    rows = data.surveys(state)
    answered = rows[surveyfigures.asked(rows) & rows["share"].notna()]
    each = list(answered.groupby(["survey", "population"], sort=False))[:3]
    for number, ((survey, _), own) in enumerate(each, 1):
        newest = own[own["year"] == own["year"].max()]
        figure = surveyfigures.one(newest, known, chosen)
        yield replace(figure, key=f"survey-{number}-{_slug(str(survey))}-{newest['year'].iloc[0]}")


def _usage(state: Published, known: pd.DataFrame, chosen: list[str]) -> Iterator[Figure]:
    for source in list(usage.sources(state)["source"])[:1]:
        points = usage.downloads(state, source)
        if not points.empty:
            yield usagefigures.downloads(state, points, known, chosen, source, log=True)
    asked = usage.questions(state)
    if not asked.empty:
        yield usagefigures.questions(state, asked, known, chosen)


def _benchmarks(state: Published) -> Iterator[Figure]:
    """Yield the newest run's measures on the track that the overview's speeds are of."""
    run = measurements.newest(state)
    headline = run.headline() if run is not None else pd.DataFrame()
    if run is None or headline.empty:
        return
    track, size = headline["track"].iloc[0], headline["batch_size"].iloc[0]
    for measure in benchfigures.MEASURES:
        rows, trials = (
            benchfigures.labelled(own[own["batch_size"] == size] if measure.sized else own)
            for own in (measure.of(table[table["track"] == track]) for table in (run.results, run.trials))
        )
        if rows.empty:
            continue
        end = benchfigures.top(rows, trials)
        placed = benchfigures.ordered(rows, measure)
        for tuning in [one for one in benchfigures.TUNINGS if one in set(rows["tuning"])]:
            own, launches = placed[placed["tuning"] == tuning], trials[trials["tuning"] == tuning]
            yield benchfigures.spread(own, launches, measure, tuning, end, key=f"{measure.key}-{tuning}", headed=True)


def _performance(state: Published) -> Iterator[Figure]:
    runs = measurements.runs(state)
    if runs.empty:
        return
    run_id, device_id = str(runs["run_id"].iloc[0]), str(runs["device_id"].iloc[0])
    settings = performance.settings(state, run_id, device_id)
    for row in settings.head(1).itertuples():
        setting = (str(row.phase), str(row.track), str(row.tuning), str(row.batch_size))
        points = performance.points(state, "stars_observed", "", run_id, device_id, *setting)
        if not points.empty:
            labelled = points.assign(label=points["engine"].astype(str) + " " + points["mode"].astype(str))
            yield performancefigures.figure(labelled, "stars_observed", "", setting)


def _slug(words: str) -> str:
    """Return a name as a part of a file's: what is no plain letter or digit becomes a hyphen."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
