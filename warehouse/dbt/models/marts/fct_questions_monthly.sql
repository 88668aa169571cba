-- A tag that never had a question may be misspelt: it counts as unknown, not as zero, and so does a framework as long as
-- one of its tags is unknown for the month.
with readings as (
    select *
    from {{ ref('hist_questions') }}
    where known_to is null
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
        framework_id,
        lower(name) as tag,
        count(*) over (partition by framework_id) as tags
    from {{ ref('dim_registry_names') }}
    where kind = 'stackoverflow_tag'
),

counted as (
    select
        tags.framework_id,
        readings.month,
        sum(readings.questions)::bigint as questions,
        arg_max(readings.response_id, (readings.known_from, readings.response_id)) as response_id
    from tags
    inner join readings on tags.tag = readings.tag
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
