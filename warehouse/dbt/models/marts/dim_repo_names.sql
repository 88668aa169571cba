select distinct
    repo_id,
    unnest(list_append(former_names, repo_id)) as repo_name
from {{ ref('stg_registry__repositories') }}
