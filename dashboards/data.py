"""What the Overview and Stars pages read: typed data functions over the published database. SQL lives here only."""

from __future__ import annotations

import pandas as pd

from dashboards.reader import Published, frame

# Each estimator and the source of fct_coverage that knows its gaps; observed counts are single readings.
ESTIMATORS: dict[str, str | None] = {"observed": None, "retained": "stars", "gross": "events"}


def frameworks(state: Published) -> pd.DataFrame:
    """Return framework_id, name, colour (#rrggbb), status; one row per framework, most observed stars first."""
    sql = """
        select framework_id, name, colour, status
        from dim_frameworks
        left join rpt_frameworks using (framework_id, name)
        order by stars_observed desc nulls last, name
    """
    return frame(state, sql, "framework_id name colour status")


def figures(state: Published) -> pd.DataFrame:
    """Return framework_id, measure, value, as_of, since, source, base: each overview figure with its circumstances."""
    sql = """
        select framework_id, measure, value, as_of, since, source, base
        from rpt_framework_figures
        where value is not null
    """
    return frame(state, sql, "framework_id measure value as_of since source base")


def star_points(state: Published, estimator: str) -> pd.DataFrame:
    """Return series, framework_id, label, day, stars, rounded_to, source, response_id of one estimator.

    Cumulative counts, one point per repository and month: the month's newest reading, or last whole day where days
    are counted. Of two archives of gross events the one with more days counts, never both. A repository is a series
    of its own, so that two repositories of a framework are never added up over different days. `label` is the
    framework's name, or the repository's where a framework has several.
    """
    sql = """
        with repos as (
            select framework_id, repo_id, count(*) over (partition by framework_id) as siblings
            from (select distinct framework_id, repo_id from fct_stars)
        ),
        leading_source as (
            select repo_id, arg_max(source, days) as source
            from (select repo_id, source, count(*) as days from fct_stars where estimator = 'gross' group by all)
            group by repo_id
        )
        select
            repo_id as series,
            framework_id,
            any_value(if(siblings > 1, repo_id, name)) as label,
            max(day) as day,
            arg_max(stars, day) as stars,
            coalesce(arg_max(coalesce(rounded_to, 0), day), 0) as rounded_to,
            arg_max(source, day) as source,
            arg_max(response_id, day) as response_id
        from fct_stars
        join repos using (framework_id, repo_id)
        join dim_frameworks using (framework_id)
        where estimator = $1 and stars is not null and not coalesce(is_partial, false)
            and (estimator <> 'gross' or (repo_id, source) in (from leading_source))
        group by repo_id, framework_id, date_trunc('month', day)
        order by series, day
    """
    return frame(state, sql, "series framework_id label day stars rounded_to source response_id", estimator)


def stars_added(state: Published, estimator: str) -> pd.DataFrame:
    """Return series, framework_id, label, day (the month's first), stars: stars added per whole month.

    A month counts only when every day of it was asked and is complete; of two archives of events one counts, so that
    each day has one row.
    """
    sql = """
        with leading_source as (
            select repo_id, arg_max(source, days) as source
            from (select repo_id, source, count(*) as days from fct_stars where estimator = $1 group by all)
            group by repo_id
        )
        select
            repo_id as series,
            framework_id,
            any_value(name) as label,
            date_trunc('month', day)::date as day,
            sum(stars_added) as stars,
            0 as rounded_to,
            any_value(source) as source
        from fct_stars
        join dim_frameworks using (framework_id)
        where estimator = $1 and stars_added is not null and not coalesce(is_partial, false)
            and (repo_id, source) in (from leading_source)
        group by repo_id, framework_id, date_trunc('month', day)
        having count(*) = day(last_day(min(day)))
        order by series, day
    """
    return frame(state, sql, "series framework_id label day stars rounded_to source", estimator)


def mentions(state: Published) -> pd.DataFrame:
    """Return series, framework_id, label, day (the month's first), share, papers, denominator, measure, base, source.

    And response_id, the answer that the month's last paper or total was read from.

    Measures and bases must be told apart by the caller. A month without a share is a gap and has no row; a cited share
    comes without papers and denominator.
    """
    sql = """
        select
            framework_id as series,
            framework_id,
            name as label,
            month as day,
            share,
            papers,
            denominator,
            measure,
            base,
            if(starts_with(response_id, 'cited:'), 'cited figure', 'arXiv') as source,
            response_id
        from fct_mentions_monthly
        join dim_frameworks using (framework_id)
        where share is not null
        order by measure, base, series, day
    """
    columns = "series framework_id label day share papers denominator measure base source response_id"
    return frame(state, sql, columns)


def gaps(state: Published, source: str | None) -> pd.DataFrame:
    """Return subject (a repository, a framework or `*`), period_start, period_end, note of a source's gaps.

    Only gaps that are over and took four weeks or more. None, for readings typed from many places, has no gaps.
    """
    sql = """
        select subject, period_start, period_end, note
        from fct_coverage
        where source = $1 and state in ('outage', 'missing') and period_end - period_start >= 28
        order by period_start
    """
    return frame(state, sql, "subject period_start period_end note", source or "")


def star_sums(state: Published) -> pd.DataFrame:
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


def surveys(state: Published) -> pd.DataFrame:
    """Return one row per survey, year, population and framework, newest year first; `name` is the framework's.

    Where `asked` is false, the survey left the question out that year: there is nothing to count, which is not zero.
    """
    sql = """
        select survey, year, population, label, framework_id, name, respondents, base, share,
            coalesce(asked, true) as asked, verified, source_url, read_on
        from fct_survey_shares
        join dim_frameworks using (framework_id)
        order by year desc, survey, share desc nulls last
    """
    columns = "survey year population label framework_id name respondents base share asked verified source_url read_on"
    return frame(state, sql, columns)


def answer(state: Published, response_id: str) -> pd.DataFrame:
    """Return source, subject, url, fetched_at (UTC), status of one answer or cited figure; one row or none."""
    sql = "select source, subject, url, fetched_at, status from meta_responses where response_id = $1"
    return frame(state, sql, "source subject url fetched_at status", response_id)


def as_known_at(state: Published) -> pd.DataFrame:
    """Return fetched_at (UTC) and answers: how new the newest answer is and how many there are; one row."""
    sql = "select max(fetched_at) as fetched_at, count(*) as answers from meta_responses"
    return frame(state, sql, "fetched_at answers")
