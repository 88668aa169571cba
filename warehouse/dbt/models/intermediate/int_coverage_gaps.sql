-- What is not known: the days of each span before, between and after the periods that are. A span without end is one
-- gap.
with spans as (
    select *
    from {{ ref('int_coverage_spans') }}
),

edges as (
    select
        source,
        subject,
        period_start,
        period_end
    from {{ ref('int_coverage_periods') }}
    union all
    -- Days of an outage stand in fct_coverage under that name.
    select
        spans.source,
        spans.subject,
        greatest(outages.period_start, spans.first_day) as period_start,
        least(coalesce(outages.period_end, spans.last_day), spans.last_day) as period_end
    from spans
    inner join {{ ref('int_outages') }} as outages
        on spans.source = outages.source and outages.subject in ('*', spans.subject)
    where
        outages.period_start <= spans.last_day
        and coalesce(outages.period_end, spans.last_day) >= spans.first_day
    union all
    -- Takes no day: it parts what was not read before from what was read and has nothing.
    select
        source,
        subject,
        read_from as period_start,
        read_from - 1 as period_end
    from spans
    where read_from is not null
    union all
    select
        source,
        subject,
        last_day + 1 as period_start,
        null as period_end
    from spans
    where last_day is not null
),

gaps as (
    select
        spans.source,
        spans.subject,
        greatest(
            max(edges.period_end) over (
                partition by spans.source, spans.subject
                order by edges.period_start
                rows between unbounded preceding and 1 preceding
            ) + 1,
            spans.first_day
        ) as period_start,
        edges.period_start - 1 as period_end,
        spans.state,
        case
            when edges.period_start > spans.last_day then coalesce(spans.note_since, spans.note)
            when edges.period_start <= spans.read_from then coalesce(spans.note_before, spans.note)
            else spans.note
        end as note
    from spans
    inner join edges on spans.source = edges.source and spans.subject = edges.subject
),

final as (
    select *
    from gaps
    where period_start <= period_end
    union all
    select
        source,
        subject,
        first_day as period_start,
        null as period_end,
        state,
        note
    from spans
    where last_day is null
)

select * from final
