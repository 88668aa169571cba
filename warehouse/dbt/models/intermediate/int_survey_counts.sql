-- Options counted from answers files: of each survey and year the file imported last, as a whole. A year that did not
-- ask has no options: it gets those of the registry that the same survey had in other years, without figures; the
-- published labels only where no year was counted, since who retells a figure may write another label.
with answers as (
    select answers.*
    from {{ ref('stg_surveys__answers') }} as answers
    inner join {{ ref('stg_raw__responses') }} as responses on answers.response_id = responses.response_id
    qualify
        responses.run_id = first_value(responses.run_id) over (
            partition by answers.survey, answers.year
            order by responses.fetched_at desc, responses.run_id desc
        )
        and row_number() over (
            partition by answers.survey, answers.year, answers.population, answers.label
            order by answers.fetched_at desc, answers.response_id desc
        ) = 1
),

labels as (
    select
        answers.survey,
        answers.label
    from answers
    inner join {{ ref('stg_registry__survey_labels') }} as known on answers.label = known.label
    union
    select
        cited.survey,
        cited.label
    from {{ ref('stg_cited__surveys') }} as cited
    inner join {{ ref('stg_registry__survey_labels') }} as known on cited.label = known.label
    where cited.survey not in (select answers.survey from answers where answers.asked)
),

final as (
    select *
    from answers
    where label is not null
    union all by name
    select answers.* exclude (label, population), labels.label, coalesce(answers.population, 'all respondents') as population
    from answers
    inner join labels on answers.survey = labels.survey
    where answers.label is null and not answers.asked
)

select * from final
