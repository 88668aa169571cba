with records as (
    select *
    from {{ ref('stg_github__repo_records') }}
    qualify row_number() over (partition by repo_id order by fetched_at desc, response_id desc) = 1
),

final as (
    select
        repositories.repo_id,
        repositories.framework_id,
        coalesce(records.full_name, repositories.repo_id) as full_name,
        list_distinct(
            list_filter(
                list_append(repositories.former_names, repositories.repo_id),
                lambda name: name <> coalesce(records.full_name, repositories.repo_id)
            )
        ) as former_names,
        records.github_id,
        records.created_on,
        records.archived
    from {{ ref('stg_registry__repositories') }} as repositories
    left join records on repositories.repo_id = records.repo_id
)

select * from final
