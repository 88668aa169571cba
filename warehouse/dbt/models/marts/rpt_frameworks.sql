-- Figures of one measure stand in one column only when their days are near each other: a framework whose newest is half a
-- year behind the newest of that measure has none here. rpt_framework_figures keeps it, with its day. The last release is a
-- day itself.
with comparable as (
    select *
    from {{ ref('rpt_framework_figures') }}
    qualify measure = 'last_release_on' or as_of > max(as_of) over (partition by measure) - 183
),

figures as (
    select
        framework_id,
        max(value) filter (where measure = 'stars_observed')::bigint as stars_observed,
        max(value) filter (where measure = 'stars_retained')::bigint as stars_retained,
        max(value) filter (where measure = 'stars_growth_12m') as stars_growth_12m,
        max(value) filter (where measure = 'paper_share') as paper_share,
        max(value) filter (where measure = 'paper_growth_12m') as paper_growth_12m,
        max(value) filter (where measure = 'survey_share') as survey_share,
        max(value) filter (where measure = 'downloads_30d')::bigint as downloads_30d,
        max(value) filter (where measure = 'question_share') as question_share,
        max(as_of) filter (where measure = 'last_release_on') as last_release_on,
        max(source) filter (where measure in ('train_images_per_s', 'infer_images_per_s')) as device_id,
        max(value) filter (where measure = 'train_images_per_s') as train_images_per_s,
        max(value) filter (where measure = 'infer_images_per_s') as infer_images_per_s
    from comparable
    group by framework_id
),

final as (
    select
        frameworks.framework_id,
        frameworks.name,
        figures.* exclude (framework_id)
    from {{ ref('dim_frameworks') }} as frameworks
    left join figures on frameworks.framework_id = figures.framework_id
)

select * from final
