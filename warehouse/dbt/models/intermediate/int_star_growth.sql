-- Growth over twelve months within one estimator, and one estimator for all frameworks: the one that covers the most
-- of them (observed on a tie), since growth of different quantities does not compare. A framework whose newest count
-- is half a year behind the others' has no growth: that of another year does not compare either.
with ends as (
    select *
    from {{ ref('int_framework_stars') }}
    -- Star events end with their archive in 2025: their growth is that of another year.
    where estimator <> 'gross'
    qualify
        row_number() over (partition by framework_id, estimator order by day desc) = 1
        and day > max(day) over (partition by estimator) - 183
),

pairs as (
    select
        ends.framework_id,
        ends.estimator,
        ends.day as as_of,
        starts.day as since,
        ends.stars,
        starts.stars as stars_before,
        ends.response_id,
        ends.source
    from ends
    inner join {{ ref('int_framework_stars') }} as starts
        on
            ends.framework_id = starts.framework_id
            and ends.estimator = starts.estimator
            and starts.day between ends.day - 365 - 31 and ends.day - 365 + 31
            and starts.stars > 0
    qualify
        row_number() over (
            partition by ends.framework_id, ends.estimator
            order by abs(ends.day - 365 - starts.day), starts.day
        ) = 1
),

chosen as (
    select estimator
    from pairs
    group by estimator
    order by count(*) desc, estimator
    limit 1
),

final as (
    select
        *,
        stars / stars_before - 1 as growth
    from pairs
    where estimator in (select estimator from chosen)
)

select * from final
