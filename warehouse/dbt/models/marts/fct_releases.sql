-- The newest telling of each release; a version released from several repositories counts by its first one.
with newest as (
    select *
    from {{ ref('stg_github__releases') }}
    qualify row_number() over (partition by repo_id, version order by fetched_at desc, response_id desc) = 1
),

final as (
    select
        repos.framework_id,
        newest.version,
        newest.released_on,
        newest.is_prerelease,
        newest.response_id
    from newest
    inner join {{ ref('dim_repos') }} as repos on newest.repo_id = repos.repo_id
    qualify
        row_number() over (
            partition by repos.framework_id, newest.version
            order by newest.released_on, newest.repo_id
        ) = 1
)

select * from final
