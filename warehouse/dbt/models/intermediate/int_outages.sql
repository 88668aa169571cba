-- Cited outages by the subjects that they concern: `*` for all of a source. One of PyPI's counts is told of each package
-- whose past was read (from ClickHouse; pypistats tells no day of it), and of PyPI until one was.
with packages as (
    select provider || ' ' || package as subject
    from {{ ref('int_asked_packages') }}
    where provider = 'clickhouse'
),

read_packages as (
    select packages.subject
    from packages
    inner join {{ ref('int_coverage_periods') }} as periods
        on packages.subject = periods.subject and periods.source = 'downloads'
    group by packages.subject
),

final as (
    select
        outages.source,
        coalesce(packages.subject, outages.subject) as subject,
        outages.period_start,
        outages.period_end,
        outages.note
    from {{ ref('stg_cited__outages') }} as outages
    left join read_packages as packages on outages.source = 'downloads' and outages.subject = 'PyPI'
)

select * from final
