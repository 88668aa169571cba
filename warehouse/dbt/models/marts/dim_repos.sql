with registered as (
    select
        framework_id,
        repo_id,
        list(name order by name) as names
    from {{ ref('dim_registry_names') }}
    where kind = 'repository'
    group by framework_id, repo_id
),

records as (
    select *
    from {{ ref('hist_repos') }}
    where known_to is null
),

final as (
    select
        registered.repo_id,
        registered.framework_id,
        coalesce(records.full_name, registered.repo_id) as full_name,
        list_filter(
            registered.names, lambda name: name <> coalesce(records.full_name, registered.repo_id)
        ) as former_names,
        records.github_id,
        records.created_on,
        records.archived
    from registered
    left join records on registered.repo_id = records.repo_id
)

select * from final
