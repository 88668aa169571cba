"""What the page on downloads and questions reads: monthly counts of each source, never added up across sources."""

from __future__ import annotations

import pandas as pd

from dashboards.reader import Published, frame


def downloads(state: Published, source: str) -> pd.DataFrame:
    """Return series, framework_id, label, day (the month's first), value, package, source, response_id.

    Downloads per month of one source. Days are added up to months only where every day of the month is known. A
    package is a series of its own, `label` its name where a framework has several.
    """
    sql = """
        with monthly as (
            select
                framework_id,
                package,
                date_trunc('month', day)::date as day,
                sum(downloads) as value,
                arg_max(response_id, day) as response_id
            from fct_downloads
            where source = $1 and downloads is not null
            group by framework_id, package, date_trunc('month', day)
            having any_value(granularity) = 'month' or count(*) = day(last_day(min(day)))
        )
        select
            package as series,
            framework_id,
            if(count(*) over (partition by framework_id, day) > 1, package, name) as label,
            day,
            value,
            package,
            $1 as source,
            response_id
        from monthly
        join dim_frameworks using (framework_id)
        order by series, day
    """
    return frame(state, sql, "series framework_id label day value package source response_id", source)


def sources(state: Published) -> pd.DataFrame:
    """Return source, since, until, mirrors: whose download counts are known, the longest first."""
    sql = """
        select source, min(day) as since, max(day) as until, bool_or(mirrors) as mirrors
        from fct_downloads
        where downloads is not null
        group by source
        order by until - since desc, source
    """
    return frame(state, sql, "source since until mirrors")


def questions(state: Published) -> pd.DataFrame:
    """Return series, framework_id, label, day (the month's first), questions, total, share, source, response_id."""
    sql = """
        select
            framework_id as series, framework_id, name as label, month as day, questions, total, share,
            'Stack Overflow' as source, response_id
        from fct_questions_monthly
        join dim_frameworks using (framework_id)
        where share is not null
        order by series, day
    """
    return frame(state, sql, "series framework_id label day questions total share source response_id")
