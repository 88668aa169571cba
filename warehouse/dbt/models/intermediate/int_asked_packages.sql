-- Every package of the registry by the provider of its counts, and whether that provider said that it knows none such:
-- pypistats answers 404, the others with nothing about it. Of a package that has counts this tells nothing.
with packages as (
    select distinct
        unnest(if(registry = 'pypi', ['pypistats', 'clickhouse'], ['conda'])) as provider,
        package
    from {{ ref('stg_registry__packages') }}
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
        exists (
            select 1
            from answers
            where
                contains(answers.params, '"kind": "' || packages.provider || '"')
                and contains(answers.params, '"' || packages.package || '"')
                and (packages.provider = 'pypistats') = (answers.status is not distinct from 404)
        ) as is_unknown_there
    from packages
)

select * from final
