-- Day buckets of every page of star history, and again of a page that a 304 confirmed, as the answer of that moment:
-- so a day that was still running becomes whole, and a day that had not come becomes a zero. Days are US-Pacific:
-- those after the answer's own day are dropped, and that day is partial.
with source as (
    select *
    from {{ source('parsed', 'star_days') }}
),

responses as (
    select *
    from {{ source('parsed', 'responses') }}
    where source = 'stars'
),

confirmed as (
    select source.* replace (responses.response_id as response_id, responses.fetched_at as fetched_at)
    from responses
    inner join source on responses.revalidates = source.response_id
    where responses.status = 304
),

readings as (
    select * from source
    union all by name
    select * from confirmed
),

final as (
    select
        readings.*,
        readings.day = responses.pacific_day as is_partial
    from readings
    inner join responses on readings.response_id = responses.response_id
    where readings.day <= responses.pacific_day
)

select * from final
