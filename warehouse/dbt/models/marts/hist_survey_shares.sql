-- Options counted from answers files, each file as a whole: a later one of the same survey and year replaces it. And
-- published figures, as they were read.
with files as (
    select
        survey,
        year,
        asked,
        source_url,
        fetched_at as known_from,
        response_id,
        list(
            {'population': population, 'label': label, 'respondents': respondents, 'base': base}
            order by population, label
        ) as options
    from {{ ref('stg_surveys__answers') }}
    group by all
),

history as (
    {{ change_history('files', ['survey', 'year'], ['asked', 'source_url', 'options']) }}
),

counted as (
    select
        * exclude (options),
        unnest(options) as option
    from history
),

final as (
    select
        survey,
        year,
        option.population,
        option.label,
        option.respondents,
        option.base,
        null::double as share,
        true as is_counted,
        asked,
        true as verified,
        source_url,
        known_from,
        known_to,
        response_id
    from counted
    union all
    select
        survey,
        year,
        population,
        label,
        respondents,
        base,
        share,
        false as is_counted,
        asked,
        verified,
        source_url,
        read_on::timestamp as known_from,
        null as known_to,
        response_id
    from {{ ref('stg_cited__surveys') }}
)

select * from final
