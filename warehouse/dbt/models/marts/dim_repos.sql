with registered as (
    select distinct
        framework_id,
        repo_id
    from {{ ref('dim_registry_names') }}
    where kind = 'repository'
),

-- The registry's and all that GitHub ever told.
names as (
    select
        repo_id,
        list(repo_name order by repo_name) as names
    from {{ ref('dim_repo_names') }}
    group by repo_id
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
            names.names, lambda name: name <> coalesce(records.full_name, registered.repo_id)
        ) as former_names,
        records.github_id,
        records.created_on,
        records.archived
    from registered
    inner join names on registered.repo_id = names.repo_id
    left join records on registered.repo_id = records.repo_id
)

select * from final
