-- Options counted from answers files. A year that did not ask has no options: it gets those of the registry that the same
-- survey had in other years, without figures; the published labels only where no year was counted, since who retells a
-- figure may write another label.
with figures as (
    select *
    from {{ ref('hist_survey_shares') }}
    where known_to is null
),

answers as (
    select *
    from figures
    where is_counted
),

labels as (
    select distinct
        figures.survey,
        figures.label
    from figures
    where
        figures.label in (select name from {{ ref('dim_registry_names') }} where kind = 'survey_label')
        and (figures.is_counted or figures.survey not in (select answers.survey from answers where answers.asked))
),

final as (
    select *
    from answers
    where label is not null
    union all by name
    select answers.* replace (labels.label as label, coalesce(answers.population, 'all respondents') as population)
    from answers
    inner join labels on answers.survey = labels.survey
    where answers.label is null and not answers.asked
)

select * from final
