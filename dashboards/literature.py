"""What the Papers page reads: which frameworks are named together, and the papers themselves."""

from __future__ import annotations

import pandas as pd

from dashboards.reader import Published, frame

MOST = 200
"""Papers that a list shows."""


def years(state: Published) -> pd.DataFrame:
    """Return year, papers: how many known papers name any framework, newest year first."""
    sql = """
        select year(submitted_on) as year, count(distinct arxiv_id) as papers
        from fct_mentions
        group by year
        order by year desc
    """
    return frame(state, sql, "year papers")


def together(state: Published, year: str) -> pd.DataFrame:
    """Return framework_id, name, papers, beside_id, beside, both, share: how many of one's papers name another too.

    Titles and abstracts of one year's papers, or of `all`. A pair that no paper names has 0: its papers were read.
    """
    sql = """
        with mentions as (
            select arxiv_id, framework_id
            from fct_mentions
            where $1 = 'all' or year(submitted_on) = try_cast($1 as integer)
        ),
        named as (select framework_id, name, count(*) as papers from mentions join dim_frameworks using (framework_id)
            group by all),
        pairs as (
            select one.framework_id, other.framework_id as beside_id, count(*) as both
            from mentions as one
            join mentions as other using (arxiv_id)
            group by all
        )
        select
            named.framework_id, named.name, named.papers, beside.framework_id as beside_id, beside.name as beside,
            coalesce(pairs.both, 0) as both, coalesce(pairs.both, 0) / named.papers as share
        from named
        cross join named as beside
        left join pairs on pairs.framework_id = named.framework_id and pairs.beside_id = beside.framework_id
        where named.framework_id <> beside.framework_id
        order by named.papers desc, beside.papers desc
    """
    return frame(state, sql, "framework_id name papers beside_id beside both share", year)


def newest(state: Published, frameworks: tuple[str, ...], month: str) -> pd.DataFrame:
    """Return arxiv_id, submitted_on, title, names, named_in, category: papers naming one of the frameworks.

    `names` are all frameworks that a paper names. At most MOST, newest first; of one month (its first day), or of any
    month when that is "".
    """
    sql = f"""
        select
            arxiv_id,
            submitted_on,
            title,
            string_agg(name, ', ' order by name) as names,
            if(bool_or(in_title), 'title', 'abstract') as named_in,
            primary_category as category
        from fct_mentions
        join dim_frameworks using (framework_id)
        join fct_papers using (arxiv_id, submitted_on)
        where $2 = '' or date_trunc('month', submitted_on) = try_cast($2 as date)
        group by all
        having list_has_any(list(framework_id), string_split($1, ' '))
        order by submitted_on desc, arxiv_id desc
        limit {MOST}
    """
    return frame(state, sql, "arxiv_id submitted_on title names named_in category", " ".join(frameworks), month)
