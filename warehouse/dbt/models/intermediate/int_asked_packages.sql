-- Every package of the registry by the provider of its counts, with the first release of the oldest framework that names
-- it, the first day that the provider was asked about (pypistats is asked for no day), and whether it said that it knows
-- none such: pypistats answers 404, the others with nothing about it. Of a package that has counts the last tells nothing.
with packages as (
    select
        unnest(if(packages.registry = 'pypi', ['pypistats', 'clickhouse'], ['conda'])) as provider,
        packages.package,
        min(frameworks.first_released_on) as released_on
    from {{ ref('stg_registry__packages') }} as packages
    inner join {{ ref('stg_registry__frameworks') }} as frameworks
        on packages.framework_id = frameworks.framework_id
    group by packages.registry, packages.package
),

answers as (
    select
        params,
        status
    from {{ ref('stg_raw__responses') }}
    where source = 'downloads' and rejected is null
),

final as (
    select
        packages.provider,
        packages.package,
        packages.released_on,
        min(coalesce(answers.params ->> 'from', answers.params ->> 'month' || '-01')::date) as asked_from,
        count_if(
            answers.params is not null
            and (packages.provider = 'pypistats') = (answers.status is not distinct from 404)
        )
        > 0 as is_unknown_there
    from packages
    left join answers
        on
            contains(answers.params, '"kind": "' || packages.provider || '"')
            and contains(answers.params, '"' || packages.package || '"')
    group by packages.provider, packages.package, packages.released_on
)

select * from final
