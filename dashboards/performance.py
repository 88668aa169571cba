"""What the page on popularity and performance reads: one point per program, its framework's popularity beside it."""

from __future__ import annotations

import pandas as pd

from dashboards.reader import Published, frame, mart

# The column of rpt_frameworks, what it is, and how its numbers are written.
POPULARITY = {
    "stars_observed": ("GitHub stars, observed", ",.0f"),
    "stars_growth_12m": ("growth of stars in twelve months", ".1%"),
    "paper_share": ("share of papers", ".2%"),
    "paper_growth_12m": ("growth of the share of papers in twelve months", ".1%"),
    "survey_share": ("share in the newest survey", ".1%"),
    "downloads_30d": ("downloads in 30 days", ",.0f"),
    "question_share": ("share of Stack Overflow's questions", ".2%"),
}

POINTS = """\
select
    r.framework_id, p.name, f.colour, r.engine, r.mode, r.median as speed, r.q1, r.q3, r.n,
    coalesce(r.rankable, false) as rankable, p.{popularity} as popularity
from fct_bench_results as r
join {frameworks} as p using (framework_id)
join dim_frameworks as f using (framework_id)
where r.run_id = $1 and r.device_id = $2 and r.stack = ''
    and r.metric = 'images_per_s' and r.parity_proved
    and (r.phase, r.track, r.tuning, r.batch_size) = ($3, $4, $5, $6::integer)
    and p.{popularity} is not null
order by r.median desc"""
COLUMNS = "framework_id name colour engine mode speed q1 q3 n rankable popularity"


def settings(state: Published, run_id: str, device_id: str) -> pd.DataFrame:
    """Return phase, track, tuning, batch_size of what a run measured in images a second; the usual ones first."""
    sql = """
        select distinct phase, track, tuning, batch_size
        from fct_bench_results
        where run_id = $1 and device_id = $2 and stack = '' and metric = 'images_per_s'
        order by phase desc, track, tuning, batch_size <> 128, batch_size
    """
    return frame(state, sql, "phase track tuning batch_size", run_id, device_id)


def statement(popularity: str, known_on: str) -> str:
    """Return the page's SQL: popularity as it was known; `known_on`: see `reader.mart`.

    Raises:
        KeyError: when `popularity` is no column of POPULARITY.
    """
    POPULARITY[popularity]
    return POINTS.format(popularity=popularity, frameworks=mart("rpt_frameworks", known_on))


def points(state: Published, popularity: str, known_on: str, *chosen: str) -> pd.DataFrame:
    """Return one row per program; `chosen`: run_id, device_id, phase, track, tuning, batch_size."""
    return frame(state, statement(popularity, known_on), COLUMNS, *chosen)
