"""What is read of stars: one estimator at a time, as known now or on another day; releases and outages beside it."""

from __future__ import annotations

import pandas as pd

from dashboards.reader import Published, frame, mart

# Each estimator and the source of fct_coverage that knows its gaps; observed counts are single readings.
ESTIMATORS: dict[str, str | None] = {"observed": None, "retained": "stars", "gross": "events"}
PERIODS = ("week", "month")
_LEADING_SOURCE = """\
leading_source as (
    select repo_id, arg_max(source, days) as source
    from (select repo_id, source, count(*) as days from counts group by all)
    group by repo_id
)"""
_TOTAL = f"""
with counts as materialized (
    select *
    from {{stars}}
    where estimator = $1
),
repos as (
    select framework_id, repo_id, count(*) over (partition by framework_id) as siblings
    from (select distinct framework_id, repo_id from counts)
),
{_LEADING_SOURCE}
select
    repo_id as series,
    framework_id,
    any_value(if(siblings > 1, repo_id, name)) as label,
    max(day) as day,
    arg_max(stars, day) as value,
    coalesce(arg_max(coalesce(rounded_to, 0), day), 0) as rounded_to,
    arg_max(source, day) as source,
    arg_max(response_id, day) as response_id
from counts
join repos using (framework_id, repo_id)
join dim_frameworks using (framework_id)
where stars is not null and not coalesce(is_partial, false)
    and (estimator <> 'gross' or (repo_id, source) in (from leading_source))
group by repo_id, framework_id, date_trunc('month', day)
order by series, day
"""
_ADDED = f"""
with counts as materialized (
    select *
    from {{stars}}
    where estimator = $1 and stars_added is not null and not coalesce(is_partial, false)
),
{_LEADING_SOURCE},
periods as (
    select
        repo_id,
        framework_id,
        date_trunc('{{period}}', day)::date as begun,
        (date_trunc('{{period}}', day) + interval 1 {{period}})::date as ended,
        sum(stars_added) as value,
        count(*) as days,
        max(day) as until,
        any_value(source) as source
    from counts
    where (repo_id, source) in (from leading_source)
    group by all
)
select
    repo_id as series,
    framework_id,
    if(count(distinct repo_id) over (partition by framework_id) > 1, repo_id, name) as label,
    begun as day,
    value,
    days,
    days < ended - begun as partial,
    source,
    0 as rounded_to
from periods
join dim_frameworks using (framework_id)
qualify days = ended - begun
    or (days = until - begun + 1 and begun = max(begun) over (partition by repo_id))
order by series, day
"""


def total(state: Published, estimator: str, known_on: str = "") -> pd.DataFrame:
    """Return series, framework_id, label, day, value (stars), rounded_to, source, response_id of one estimator.

    Cumulative counts, one point per repository and month: the month's newest reading, or last whole day where days
    are counted. Of two archives of gross events the one with more days counts, never both. A repository is a series
    of its own, so that two repositories of a framework are never added up over different days. `label` is the
    framework's name, or the repository's where a framework has several. `known_on`: see `reader.mart`.
    """
    sql = _TOTAL.format(stars=mart("fct_stars", known_on))
    return frame(state, sql, "series framework_id label day value rounded_to source response_id", estimator)


def added(state: Published, estimator: str, period: str, known_on: str = "") -> pd.DataFrame:
    """Return series, framework_id, label, day (the period's first), value (stars added), days, partial, source.

    A period (`week` from Monday, `month`) counts only when every day of it was asked and is complete; of two archives
    of events one counts, so that each day has one row. The newest one of a repository may be `partial`: whole in its
    first `days` only. `rounded_to` is 0.

    Raises:
        ValueError: for another period.
    """
    if period not in PERIODS:
        raise ValueError(f"period {period!r}: expected one of {', '.join(PERIODS)}")
    sql = _ADDED.format(stars=mart("fct_stars", known_on), period=period)
    return frame(state, sql, "series framework_id label day value days partial source rounded_to", estimator)


def releases(state: Published) -> pd.DataFrame:
    """Return framework_id, version, day of the releases that began something: each first one of a major version.

    Of a framework that never left 0, each first one of a minor version. Pre-releases are left out.
    """
    sql = r"""
        with numbered as (
            select
                framework_id,
                version,
                released_on as day,
                try_cast(regexp_extract(version, '(\d+)\.\d+', 1) as integer) as major,
                try_cast(regexp_extract(version, '\d+\.(\d+)', 1) as integer) as minor
            from fct_releases
            where not is_prerelease and regexp_matches(version, '\d{1,4}\.\d{1,4}')
        ),
        begun as (
            select *, max(major) over (partition by framework_id) as newest_major
            from numbered
        )
        select framework_id, version, day
        from begun
        where major > 0 or newest_major = 0
        qualify row_number() over (
            partition by framework_id, major, if(newest_major = 0, minor, 0) order by day, version
        ) = 1
        order by framework_id, day
    """
    return frame(state, sql, "framework_id version day")


def outages(state: Published, estimator: str) -> pd.DataFrame:
    """Return period_start, period_end (NULL while it lasts), note of the known outages of an estimator's source."""
    sql = """
        select period_start, period_end, note
        from fct_coverage
        where source = $1 and state = 'outage' and subject = '*'
        order by period_start
    """
    return frame(state, sql, "period_start period_end note", ESTIMATORS[estimator] or "")


def sums(state: Published) -> pd.DataFrame:
    """Return repo_id, framework_id, read_at, stars_summed, stars_recorded, difference of sums that do not agree.

    GitHub's star history should add up to the count of the repository's record; the newest comparison of each counts.
    """
    sql = """
        select repo_id, framework_id, read_at, stars_summed, stars_recorded, difference
        from rpt_star_sums
        qualify row_number() over (partition by repo_id order by read_at desc) = 1 and not agrees
        order by repo_id
    """
    return frame(state, sql, "repo_id framework_id read_at stars_summed stars_recorded difference")


def begun(state: Published) -> pd.DataFrame:
    """Return framework_id, first_released_on of each framework whose first release is known."""
    sql = "select framework_id, first_released_on from dim_frameworks where first_released_on is not null"
    return frame(state, sql, "framework_id first_released_on")
