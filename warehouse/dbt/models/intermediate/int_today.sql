-- The day up to which anything can be known: that of the newest answer collected; of the newest figure shipped only
-- where nothing was collected yet.
with collected as (
    select max(fetched_at)::date as day
    from {{ ref('stg_raw__responses') }}
),

cited as (
    select max(fetched_at)::date as day
    from {{ ref('stg_cited__responses') }}
),

final as (
    select coalesce(collected.day, cited.day) as day
    from collected
    cross join cited
)

select * from final
