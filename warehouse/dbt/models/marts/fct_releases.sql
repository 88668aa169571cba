-- A version released from several repositories counts by its first one.
with final as (
    select
        repos.framework_id,
        releases.version,
        releases.released_on,
        releases.is_prerelease,
        releases.response_id
    from {{ ref('hist_releases') }} as releases
    inner join {{ ref('dim_repos') }} as repos on releases.repo_id = repos.repo_id
    where releases.known_to is null
    qualify
        row_number() over (
            partition by repos.framework_id, releases.version
            order by releases.released_on, releases.repo_id
        ) = 1
)

select * from final
