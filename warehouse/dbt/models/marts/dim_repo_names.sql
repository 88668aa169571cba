-- The registry's names hold for all time; GitHub's own, exactly as it writes them, from the record that told them first.
with registered as (
    select distinct
        repo_id,
        unnest(list_append(former_names, repo_id)) as repo_name
    from {{ ref('stg_registry__repositories') }}
),

records as (
    select
        repo_id,
        full_name as repo_name,
        fetched_at,
        lead(fetched_at) over (partition by repo_id order by fetched_at, response_id) as next_at
    from {{ ref('stg_github__repo_records') }}
    where repo_id in (select registered.repo_id from registered)
),

told as (
    select
        repo_id,
        repo_name,
        min(fetched_at) as known_from,
        case when not bool_or(next_at is null) then max(next_at) end as known_to
    from records
    anti join registered using (repo_id, repo_name)
    group by repo_id, repo_name
),

final as (
    select
        repo_id,
        repo_name,
        null::timestamp as known_from,
        null::timestamp as known_to
    from registered
    union all
    select * from told
)

select * from final
