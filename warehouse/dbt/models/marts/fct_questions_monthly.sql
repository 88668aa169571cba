-- Months asked after their end, newest answer first. A tag that never had a question may be misspelt: it counts as
-- unknown, not as zero, and so does a framework as long as one of its tags is unknown for the month.
with readings as (
    select
        lower(tag) as tag,
        month,
        questions,
        fetched_at,
        response_id
    from {{ ref('stg_stackexchange__questions') }}
    where last_day(month) < fetched_at::date
    qualify row_number() over (partition by lower(tag), month order by fetched_at desc, response_id desc) = 1
),

totals as (
    select
        month,
        questions as total
    from readings
    where tag is null
),

known_tags as (
    select tag
    from readings
    group by tag
    having sum(questions) > 0
),

tags as (
    select
        *,
        count(*) over (partition by framework_id) as tags
    from {{ ref('stg_registry__tags') }}
),

counted as (
    select
        tags.framework_id,
        readings.month,
        sum(readings.questions)::bigint as questions,
        arg_max(readings.response_id, (readings.fetched_at, readings.response_id)) as response_id
    from tags
    inner join readings on lower(tags.tag) = readings.tag
    where readings.tag in (select known_tags.tag from known_tags)
    group by tags.framework_id, tags.tags, readings.month
    having count(*) = tags.tags
),

final as (
    select
        counted.framework_id,
        counted.month,
        counted.questions,
        totals.total,
        -- A total below one of its parts is not the total: the question counts stand, the share is unknown.
        case when counted.questions <= totals.total then counted.questions / nullif(totals.total, 0) end as share,
        counted.response_id
    from counted
    left join totals on counted.month = totals.month
)

select * from final
