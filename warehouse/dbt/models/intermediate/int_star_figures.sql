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
        growth.framework_id,
        told.measure,
        case told.measure
            when 'stars_growth_12m' then growth.growth
            else growth.stars - growth.stars_before
        end as value,
        growth.as_of,
        growth.since,
        growth.source,
        growth.estimator || ', ' || growth.stars_before || ' stars before' as base,
        growth.response_id
    from {{ ref('int_star_growth') }} as growth
    cross join (values ('stars_growth_12m'), ('stars_gained_12m')) as told (measure)
)

select * from final
