-- The evidence for each of the article's criteria, a row per framework and criterion; NULL where nothing is known.
-- A figure that ends half a year or more before the newest of its measure does not compare with it and is left out, as
-- in rpt_frameworks. of_best: the value over the best one, 0 to 1; the best over it where less is better.
with asked as (
    select *
    from (
        values
            (1, 'conciseness', 'code_lines', 'lines', false),
            (2, 'flexibility', 'implementation_share', 'share', true),
            (3, 'popularity', 'stars_observed', 'stars', true),
            (4, 'momentum', 'stars_gained_12m', 'stars', true),
            (5, 'resources', 'question_share', 'share', true),
            (6, 'speed', 'train_images_per_s', 'images/s', true),
            (7, 'deployment', 'downloads_30d', 'downloads', true)
    ) as criteria (place, criterion, measure, unit, more_is_better)
),

newest_run as (
    select arg_max(run_id, started_at) as run_id
    from fct_bench_trials
    where metric = 'code_lines' and track = 'default' and stack = ''
),

code as (
    select
        trials.framework_id,
        'code_lines' as measure,
        min(trials.value) as value,
        max(trials.started_at)::date as as_of,
        'the default track''s trainer of ' || arg_min(trials.engine, trials.value) as circumstances
    from fct_bench_trials as trials
    inner join newest_run on trials.run_id = newest_run.run_id
    where trials.metric = 'code_lines' and trials.track = 'default' and trials.stack = '' and not trials.control
    group by trials.framework_id
),

implementations as (
    select
        framework_id,
        'implementation_share' as measure,
        avg(share) as value,
        last_day(max(month)) as as_of,
        'repositories with code to papers, mean of the newest months'' shares' as circumstances
    from fct_implementations_monthly
    where share is not null and month > (select max(month) from fct_implementations_monthly) - interval 12 months
    group by framework_id
),

known as (
    select
        framework_id,
        measure,
        value,
        as_of,
        concat_ws(' · ', source, base) as circumstances
    from rpt_framework_figures
    where value is not null
    union all
    select * from code
    union all
    select * from implementations
),

near as (
    select *
    from known
    qualify max(as_of) over (partition by measure) - as_of < 183
),

final as (
    select
        asked.place,
        asked.criterion,
        asked.measure,
        asked.unit,
        asked.more_is_better,
        frameworks.framework_id,
        frameworks.name,
        near.value,
        near.as_of,
        near.circumstances,
        case
            when near.value is null then null
            when asked.more_is_better
                then greatest(near.value, 0) / nullif(greatest(max(near.value) over (partition by asked.measure), 0), 0)
            else min(near.value) over (partition by asked.measure) / nullif(near.value, 0)
        end as of_best
    from asked
    cross join dim_frameworks as frameworks
    left join near on asked.measure = near.measure and frameworks.framework_id = near.framework_id
)

select * from final
order by place, value desc nulls last, name
