-- The archive imported last, as a whole. A month of it in which none of a framework's labels stands had none; a label
-- that stands nowhere in it may be misspelt and counts as unknown.
with implementations as (
    select
        implementations.label,
        implementations.month,
        implementations.repositories,
        implementations.response_id
    from {{ ref('stg_paperswithcode__implementations') }} as implementations
    inner join {{ ref('stg_raw__responses') }} as responses on implementations.response_id = responses.response_id
    qualify
        responses.run_id = first_value(responses.run_id) over (order by responses.fetched_at desc, responses.run_id desc)
        and row_number() over (
            partition by implementations.label, implementations.month
            order by implementations.fetched_at desc, implementations.response_id desc
        ) = 1
),

months as (
    select
        month,
        sum(repositories) as repositories,
        min(response_id) as response_id
    from implementations
    group by month
),

frameworks as (
    select framework_id
    from {{ ref('stg_registry__paperswithcode') }}
    where label in (select implementations.label from implementations)
    group by framework_id
),

counted as (
    select
        labels.framework_id,
        implementations.month,
        sum(implementations.repositories) as repositories,
        min(implementations.response_id) as response_id
    from implementations
    inner join {{ ref('stg_registry__paperswithcode') }} as labels on implementations.label = labels.label
    group by labels.framework_id, implementations.month
),

final as (
    select
        frameworks.framework_id,
        months.month,
        coalesce(counted.repositories, 0)::bigint as repositories,
        coalesce(counted.repositories, 0) / nullif(months.repositories, 0) as share,
        coalesce(counted.response_id, months.response_id) as response_id
    from frameworks
    cross join months
    left join counted on frameworks.framework_id = counted.framework_id and months.month = counted.month
)

select * from final
