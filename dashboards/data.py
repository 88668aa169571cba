"""What several pages read: typed data functions over the published database."""

from __future__ import annotations

import pandas as pd

from dashboards.reader import Published, frame
from warehouse import criteria as catalogue
from warehouse.surveynames import survey_name


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
        order by measure, framework_id
    """
    return frame(state, sql, "framework_id measure value as_of since source base")


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


def surveys(state: Published) -> pd.DataFrame:
    """Return one row per survey, year, population and framework, newest year first; `name` is the framework's.

    `survey` is written as it writes itself. Where `asked` is false, the survey left the question out that year: there
    is nothing to count, which is not zero.
    """
    sql = """
        select survey, year, population, label, framework_id, name, respondents, base, share,
            coalesce(asked, true) as asked, verified, source_url, read_on
        from fct_survey_shares
        join dim_frameworks using (framework_id)
        order by year desc, survey, share desc nulls last
    """
    columns = "survey year population label framework_id name respondents base share asked verified source_url read_on"
    rows = frame(state, sql, columns)
    return rows.assign(survey=rows["survey"].map(survey_name))


def claims(state: Published) -> pd.DataFrame:
    """Return number, part, claim, stated_value, valid_on, measured_value, verdict, reason, evidence_sql.

    Each part of the article's claims for each day that was decided; by day, number and part.
    """
    sql = """
        select
            split_part(claim_id, '.', 1)::integer as number,
            substr(claim_id, strpos(claim_id, '.') + 1) as part,
            * exclude (claim_id)
        from fct_claims
        order by valid_on, number, part
    """
    columns = "number part claim stated_value valid_on measured_value verdict reason evidence_sql"
    return frame(state, sql, columns)


def criteria(state: Published) -> pd.DataFrame:
    """Return the evidence for the article's criteria, a row per criterion and framework (warehouse.criteria)."""
    return frame(state, catalogue.EVIDENCE, " ".join(catalogue.COLUMNS))


def known_days(state: Published) -> pd.DataFrame:
    """Return first, last: the days between which `as known on` can be asked; one row, NULL before any collection."""
    sql = """
        select min(fetched_at)::date as first, max(fetched_at)::date as last
        from meta_responses
        where not starts_with(response_id, 'cited:')
    """
    return frame(state, sql, "first last")


def answer(state: Published, response_id: str) -> pd.DataFrame:
    """Return source, subject, url, fetched_at (UTC), status of one answer or cited figure; one row or none."""
    sql = "select source, subject, url, fetched_at, status from meta_responses where response_id = $1"
    return frame(state, sql, "source subject url fetched_at status", response_id)


def as_known_at(state: Published) -> pd.DataFrame:
    """Return fetched_at (UTC) and answers: how new the newest answer is and how many there are; one row."""
    sql = "select max(fetched_at) as fetched_at, count(*) as answers from meta_responses"
    return frame(state, sql, "fetched_at answers")
