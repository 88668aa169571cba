with names as (
    select
        framework_id,
        'arxiv_term' as kind,
        unnest(arxiv_query) as name,
        null as repo_id
    from {{ ref('stg_registry__frameworks') }}
    union all
    select
        framework_id,
        registry || '_package' as kind,
        package as name,
        null as repo_id
    from {{ ref('stg_registry__packages') }}
    union all
    select
        framework_id,
        'repository' as kind,
        unnest(list_append(former_names, repo_id)) as name,
        repo_id
    from {{ ref('stg_registry__repositories') }}
    union all
    select
        framework_id,
        'stackoverflow_tag' as kind,
        tag as name,
        null as repo_id
    from {{ ref('stg_registry__tags') }}
    union all
    select
        framework_id,
        'survey_label' as kind,
        label as name,
        null as repo_id
    from {{ ref('stg_registry__survey_labels') }}
)

select distinct
    framework_id,
    kind,
    name,
    repo_id
from names
