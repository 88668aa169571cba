"""What the Data page reads: how fresh each source is, what is missing, the last runs, and what every column means."""

from __future__ import annotations

import pandas as pd

from dashboards.reader import Published, frame


def freshness(state: Published) -> pd.DataFrame:
    """Return source, answers, newest (UTC), refused, bytes: what is archived of each source; cited figures apart."""
    sql = """
        select
            if(starts_with(response_id, 'cited:'), 'cited figures', source) as source,
            count(*) as answers,
            max(fetched_at) as newest,
            count(*) filter (where status >= 400) as refused,
            sum(bytes)::bigint as bytes
        from meta_responses
        group by 1
        order by newest desc nulls last, source
    """
    return frame(state, sql, "source answers newest refused bytes")


def missing(state: Published) -> pd.DataFrame:
    """Return source, state, why, subjects, since, until: what is not known, one row per source and reason."""
    sql = """
        select
            source,
            state,
            note as why,
            count(distinct subject) as subjects,
            min(period_start) as since,
            if(bool_or(period_end is null), null, max(period_end)) as until
        from fct_coverage
        where state in ('missing', 'outage', 'not_asked')
        group by source, state, note
        order by source, state, since
    """
    return frame(state, sql, "source state why subjects since until")


def runs(state: Published) -> pd.DataFrame:
    """Return started_at, job, took_s, requests, rows, error of the last 50 runs, newest first; instants in UTC."""
    sql = """
        select
            started_at,
            job,
            date_diff('millisecond', started_at, finished_at) / 1000 as took_s,
            requests,
            rows,
            case when finished_at is null then 'not ended' else error end as error
        from meta_runs
        order by started_at desc
        limit 50
    """
    return frame(state, sql, "started_at job took_s requests rows error")


def tables(state: Published) -> pd.DataFrame:
    """Return name, rows, description of each table, marts first."""
    sql = """
        select table_name as name, estimated_size as rows, comment as description
        from duckdb_tables()
        where database_name = 'dlpulse' and not internal
        order by list_position(['rpt', 'fct', 'dim', 'hist', 'meta'], split_part(table_name, '_', 1)), table_name
    """
    return frame(state, sql, "name rows description")


def columns(state: Published, table: str) -> pd.DataFrame:
    """Return name, type, description of a table's columns, in order."""
    sql = """
        select column_name as name, data_type as type, comment as description
        from duckdb_columns()
        where database_name = 'dlpulse' and table_name = $1
        order by column_index
    """
    return frame(state, sql, "name type description", table)
