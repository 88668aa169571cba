-- Counted figures, and the published ones that nothing counted replaces. A share is respondents over base, or the share
-- as published when the page gives no numbers; otherwise unknown.
with counted as (
    select
        survey,
        year,
        population,
        label,
        respondents,
        base,
        respondents / nullif(base, 0) as share,
        asked,
        verified,
        source_url,
        known_from::date as read_on,
        response_id
    from {{ ref('int_survey_counts') }}
),

cited as (
    select
        survey,
        year,
        population,
        label,
        respondents,
        base,
        coalesce(respondents / base, share) as share,
        asked,
        verified,
        source_url,
        known_from::date as read_on,
        response_id
    from {{ ref('hist_survey_shares') }}
    anti join counted using (survey, year, population, label)
    where not is_counted and known_to is null
),

figures as (
    select * from counted
    union all
    select * from cited
),

final as (
    select
        figures.survey,
        figures.year,
        figures.population,
        figures.label,
        labels.framework_id,
        figures.respondents,
        figures.base,
        figures.share,
        figures.asked,
        figures.verified,
        figures.source_url,
        figures.read_on,
        figures.response_id
    from figures
    left join {{ ref('dim_registry_names') }} as labels on figures.label = labels.name and labels.kind = 'survey_label'
)

select * from final
