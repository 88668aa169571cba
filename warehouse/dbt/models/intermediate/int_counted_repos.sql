-- One row per repository of GitHub: a registry may hold an old and a new name of the same one, which is one repository.
select
    repo_id,
    framework_id
from {{ ref('dim_repos') }}
qualify
    row_number() over (
        partition by coalesce(github_id::varchar, repo_id)
        order by repo_id <> full_name, repo_id
    ) = 1
