-- The newest count of each framework by estimator, what it gained in twelve months, and its growth. Star events end with
-- their archive in 2025: their newest count is no figure of today.
with newest as (
    select *
    from {{ ref('int_framework_stars') }}
    where estimator <> 'gross'
    qualify row_number() over (partition by framework_id, estimator order by day desc) = 1
),

final as (
    select
        framework_id,
        'stars_' || estimator as measure,
        stars::double as value,
        day as as_of,
        null::date as since,
        source,
        estimator || coalesce(', rounded to ' || rounded_to, '') as base,
        response_id
    from newest
    union all
    select
        framework_id,
        'stars_growth_12m' as measure,
        growth as value,
        as_of,
        since,
        source,
        estimator || ', ' || stars_before || ' stars before' as base,
        response_id
    from {{ ref('int_star_growth') }}
    union all
    select
        framework_id,
        'stars_gained_12m' as measure,
        (stars - stars_before)::double as value,
        as_of,
        since,
        source,
        estimator || ', ' || stars_before || ' stars before' as base,
        response_id
    from {{ ref('int_star_growth') }}
)

select * from final
