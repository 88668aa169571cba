"""The answer in the terminal: one row per framework, each figure with its date, absent ones left open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from warehouse.query import open_readonly
from warehouse.statistics import LEAST_RANKED, NO_CONTROL, TOO_FEW
from warehouse.surveynames import survey_name

_SQL = """
select
    frameworks.name,
    figures.measure,
    figures.value,
    figures.as_of,
    figures.source,
    figures.base
from dim_frameworks as frameworks
left join rpt_framework_figures as figures using (framework_id)
"""
_SPEED_SQL = """
with speeds as (
    -- What a beginner writes, or the matched track in the engines' own modes where that was not run.
    select *
    from fct_bench_ratios
    where
        metric = 'images_per_s'
        and phase in ('training', 'inference')
        and batch_size = 128
        and stack_a = ''
        and stack_b = ''
        and (track = 'default' or (mode_a in ('eager', 'graph') and mode_b in ('eager', 'graph')))
        and run_id = (select run_id from fct_bench_trials where stack = '' order by started_at desc limit 1)
    qualify track = 'default' or not bool_or(track = 'default') over ()
)

select
    phase,
    tuning,
    engine_a,
    engine_b,
    ratio,
    low,
    high,
    n,
    rankable,
    control_gap
from speeds
order by phase desc, tuning, engine_a, engine_b
"""
_NOT_KNOWN = Text("–", style="dim")


@dataclass(frozen=True)
class Figure:
    """One figure and its circumstances."""

    value: float
    as_of: date
    source: str
    base: str


class _Ratio(NamedTuple):
    phase: str
    tuning: str
    a: str
    b: str
    ratio: float
    low: float
    high: float
    n: int
    rankable: bool
    control_gap: float | None


@dataclass(frozen=True)
class _Column:
    title: str
    measure: str
    show: Callable[[float], str]


_COLUMNS = (
    _Column("stars", "stars_observed", lambda value: f"{value:,.0f}"),
    _Column("12 months", "stars_growth_12m", lambda value: f"{value:+.1%}" if abs(value) >= 0.001 else f"{value:+.2%}"),
    _Column("papers", "paper_share", lambda value: f"{value:.2%}"),
    _Column("survey", "survey_share", lambda value: f"{value:.1%}"),
    _Column("train/s", "train_images_per_s", lambda value: f"{value:,.0f}"),
    _Column("infer/s", "infer_images_per_s", lambda value: f"{value:,.0f}"),
)


def print_answer(database: Path, console: Console) -> None:
    """Print the published figures: stars, growth, papers, survey and speed of every framework."""
    with open_readonly(database) as connection:
        rows = connection.execute(_SQL).fetchall()
        ratios = connection.execute(_SPEED_SQL).fetchall()
    frameworks: dict[str, dict[str, Figure]] = {}
    for name, measure, *figure in rows:
        figures = frameworks.setdefault(name, {})
        if measure and figure[0] is not None:
            figures[measure] = Figure(*figure)
    console.print(_table(frameworks))
    for note in _notes(frameworks):
        console.print(f"[dim]{note}[/]", highlight=False)
    for ratio in ratios:
        console.print(f"{_sentence(_Ratio(*ratio))}", highlight=False)


def _sentence(found: _Ratio) -> str:
    """Compare two engines in one line; says nothing that the spread of the launches does not carry."""
    where = f"{found.phase}, {found.tuning}: "
    if found.n < LEAST_RANKED:
        return f"{where}{found.a} and {found.b}: {TOO_FEW}, too little to compare"
    if not found.rankable:
        return f"{where}{found.a} and {found.b} are too noisy to compare; run `dlpulse bench run` on a quiet machine"
    bounds = f"({found.low:.2f} to {found.high:.2f}, n = {found.n})"
    line = f"{where}{found.a} does [bold]{found.ratio:.2f}[/] times the images of {found.b} {bounds}"
    if found.low <= 1 <= found.high:
        return f"{line}: not resolved"
    if found.control_gap is None:
        return f"{line}: not resolved, {NO_CONTROL}"
    if max(found.ratio, 1 / found.ratio) - 1 <= found.control_gap:
        return f"{line}: not resolved, two equal programs may differ by {found.control_gap:.0%}"
    return line


def _table(frameworks: Mapping[str, Mapping[str, Figure]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    table.add_column("framework", no_wrap=True)
    for column in _COLUMNS:
        table.add_column(column.title, justify="right", no_wrap=True)
    ordered = sorted(frameworks.items(), key=lambda item: -_stars(item[1]))
    for name, figures in ordered:
        table.add_row(name, *(_cell(figures.get(column.measure), column) for column in _COLUMNS))
    return table


def _stars(figures: Mapping[str, Figure]) -> float:
    return figures["stars_observed"].value if "stars_observed" in figures else -1


def _cell(figure: Figure | None, column: _Column) -> Text:
    if figure is None:
        return _NOT_KNOWN
    about = "~" if "rounded" in figure.base else ""
    return Text.assemble(about + column.show(figure.value), ("\n" + figure.as_of.isoformat(), "dim"))


def _notes(frameworks: Mapping[str, Mapping[str, Figure]]) -> list[str]:
    """Say, per column, what its figures are: source and base, taken from the figures themselves."""
    found = {
        column.measure: next(
            (figures[column.measure] for figures in frameworks.values() if column.measure in figures), None
        )
        for column in _COLUMNS
    }
    notes = ["stars: observed counts, ~ where the source rounded; the day under each is the day it was read"]
    if growth := found["stars_growth_12m"]:
        notes.append(f"12 months: growth of {growth.base.split(',')[0]} stars")
    if papers := found["paper_share"]:
        base = (
            "papers in six machine-learning categories" if papers.base == "ml_papers" else "papers naming any framework"
        )
        notes.append(f"papers: share of {base}, arXiv titles and abstracts, last twelve whole months")
    if survey := found["survey_share"]:
        notes.append(f"survey: {survey_name(survey.source)}, {survey.base}; multi-select")
    if speed := found["train_images_per_s"]:
        notes.append(
            f"train/s, infer/s: images a second of the reference CNN on this device; {speed.base.split(', ', 1)[1]}"
        )
    return notes
