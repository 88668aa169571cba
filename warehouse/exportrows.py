"""Which rows of a published table may be passed on, and whose data they are. `dim_sources` knows the licences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from warehouse.errors import DlpulseError

# Whose data the tables hold that are always exported whole; none: dlpulse's own, such as the registry and the logs.
# rpt_frameworks and rpt_star_disagreement have rules of their own below.
OF_WHOLE_TABLES: Mapping[str, tuple[str, ...]] = {
    "dim_devices": ("bench",),
    "dim_frameworks": (),
    "dim_registry_names": (),
    "dim_repo_names": ("github",),
    "dim_repos": ("github",),
    "dim_sources": (),
    "fct_bench_learning": ("bench",),
    "fct_bench_ratios": ("bench",),
    "fct_bench_results": ("bench",),
    "fct_claims": (),
    "fct_coverage": (),
    "fct_mentions": ("arxiv",),
    "meta_responses": (),
    "meta_runs": (),
    "rpt_frameworks": (),
    "rpt_star_disagreement": (),
}
_COVERAGE = (
    "It tells of the database that this export was made from: what is observed there may be left out here, because no "
    "licence is known for its source."
)
_GROSS = {"gross": "bigint", "gross_per_observed": "double", "retained_per_gross": "double"}
# The source of each answer as dim_sources names it; a cited fact's is known by its page, when nothing else tells.
_ANSWERS = """
create temp table export_answers as
with pages as (
    select
        responses.url,
        min(sources.source) as source
    from dim_sources as sources
    inner join meta_responses as responses using (response_id)
    group by responses.url
)

select
    responses.response_id,
    starts_with(responses.response_id, 'cited:') as is_cited,
    case
        when responses.source in ('stars', 'releases') then 'github'
        when responses.source = 'ranking' then 'EvanLi'
        when responses.source = 'events' and starts_with(responses.subject, 'hour:') then 'gharchive'
        when responses.source = 'events' then 'clickhouse'
        when responses.source = 'papers' then 'arxiv'
        when responses.source = 'surveys' then split_part(responses.subject, ':', 2)
        when responses.source = 'downloads' and starts_with(responses.subject, 'month:') then 'conda'
        when responses.source = 'downloads' and contains(responses.url, '/packages/') then 'pypistats'
        when responses.source = 'downloads' then 'clickhouse'
        when responses.source = 'questions' then 'stackexchange'
        when responses.source = 'cited' then pages.source
        when responses.source = 'restored' then split_part(responses.subject, ':', 1)
        else responses.source
    end as source
from meta_responses as responses
left join pages using (url)
"""
_JUDGED = """
select
    rows.*,
    coalesce(named.source, answers.source) as row_source,
    -- A row of which neither answer nor source is known is NULL in both: it stays here.
    coalesce(answers.is_cited or sources.licence is not null, false) as may_be_shared
from {table} as rows
left join export_answers as answers using (response_id)
left join dim_sources as named on named.source = {named}
left join dim_sources as sources on sources.source = coalesce(named.source, answers.source)
"""


@dataclass(frozen=True)
class Selection:
    """A table's rows as `sql`, and the `sources` of these rows, as dim_sources names them.

    `unlicensed` counts the table's rows by source where no licence is known: they are left out, unless the export is
    for own use. `emptied` are columns whose values are left out in part, with the source of these. `remark` is what the
    table's description must say besides, of this export.
    """

    sql: str
    sources: tuple[str, ...] = ()
    unlicensed: Mapping[str, int] = field(default_factory=dict)
    emptied: Mapping[str, str] = field(default_factory=dict)
    remark: str = ""


class Chooser:
    """Selects the rows of one database's tables: those that may be passed on, or with `own_use` all of them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, own_use: bool) -> None:
        self.connection, self.own_use = connection, own_use
        connection.execute(_ANSWERS)

    def choose(self, table: str, columns: Sequence[str]) -> Selection:
        """Return the selection of a table with these columns."""
        if table == "rpt_frameworks":
            return self._overview(columns)
        if table == "rpt_star_disagreement":
            return self._disagreement()
        if table == "fct_coverage" and not self.own_use:
            return Selection(f"select * from {table}", OF_WHOLE_TABLES[table], remark=_COVERAGE)
        if table in OF_WHOLE_TABLES:
            return Selection(f"select * from {table}", OF_WHOLE_TABLES[table])
        if "response_id" not in columns:
            raise DlpulseError(f"{table} cannot be exported: nothing says whose data it holds")
        judged = _judged(table, columns)
        sources, unlicensed = self._sources(judged)
        if unlicensed and not self.own_use:
            kept = f"select * exclude (row_source, may_be_shared) from ({judged}) where may_be_shared"
            return Selection(kept, sources, unlicensed)
        return Selection(f"select * from {table}", sources, unlicensed)

    def _sources(self, judged: str, condition: str = "true") -> tuple[tuple[str, ...], dict[str, int]]:
        """Return the sources of the rows that stay, and the number of rows by source where no licence is known."""
        sql = f"""
            select coalesce(row_source, 'unknown'), may_be_shared, count(*)
            from ({judged})
            where {condition}
            group by all
            order by all
        """
        counts = self.connection.execute(sql).fetchall()
        stay = {source for source, shared, _ in counts if (shared or self.own_use) and source != "unknown"}
        return tuple(sorted(stay)), {source: rows for source, shared, rows in counts if not shared}

    def _overview(self, columns: Sequence[str]) -> Selection:
        """rpt_frameworks is rpt_framework_figures on its side: what is left out there is NULL here."""
        judged = _judged("rpt_framework_figures", ("source",))
        sources, _ = self._sources(judged)
        hidden = f"""
            select measure, coalesce(row_source, 'unknown')
            from ({judged})
            where not may_be_shared
            group by all
            order by all
        """
        found = [] if self.own_use else self.connection.execute(hidden).fetchall()
        emptied = {measure: source for measure, source in found if measure in columns}
        withheld = f"select framework_id from ({judged}) where not may_be_shared and measure ="
        values = [f"if(framework_id in ({withheld} '{name}'), null, {name}) as {name}" for name in emptied]
        return Selection(_with_values("rpt_frameworks", values), sources, {}, emptied)

    def _disagreement(self) -> Selection:
        """Star events left out of fct_stars leave their sums here, too, and days on which nothing else is compared."""
        judged = _judged("fct_stars", ("source",))
        sources, _ = self._sources(judged)
        _, unlicensed = self._sources(judged, "estimator = 'gross'")
        if self.own_use or not unlicensed:
            return Selection("select * from rpt_star_disagreement", sources)
        sql = _with_values("rpt_star_disagreement", [f"null::{kind} as {name}" for name, kind in _GROSS.items()])
        sql += " where observed is not null and retained is not null"
        return Selection(sql, sources, {}, dict.fromkeys(_GROSS, " and ".join(unlicensed)))


def _judged(table: str, columns: Sequence[str]) -> str:
    """Return SQL for the rows with two columns more: row_source, NULL when not known, and may_be_shared."""
    named = next((f"rows.{name}" for name in ("source", "survey") if name in columns), "null")
    return _JUDGED.format(table=table, named=named)


def _with_values(table: str, values: Sequence[str]) -> str:
    return f"select * replace ({', '.join(values)}) from {table}" if values else f"select * from {table}"
