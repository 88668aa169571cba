-- The registry's names hold for all time; GitHub's own, exactly as it writes them, from the record that told them first.
with registered as (
    select
        repo_id,
        name as repo_name
    from {{ ref('dim_registry_names') }}
    where kind = 'repository'
),

told as (
    select
        repo_id,
        full_name as repo_name,
        min(known_from) as known_from,
        case when bool_and(known_to is not null) then max(known_to) end as known_to
    from {{ ref('hist_repos') }}
    where repo_id in (select registered.repo_id from registered)
    group by repo_id, full_name
),

final as (
    select
        repo_id,
        repo_name,
        null::timestamp as known_from,
        null::timestamp as known_to
    from registered
    union all
    select *
    from told
    anti join registered using (repo_id, repo_name)
)

select * from final
