-- Every telling of a paper. The text of an imported snapshot is of the snapshot's day, not of the import's: once the API
-- has told a paper, no snapshot changes it.
{{ config(materialized="ephemeral") }}
with papers as (
    select
        papers.*,
        responses.subject like 'snapshot:%' as is_of_snapshot
    from {{ ref('stg_arxiv__papers') }} as papers
    inner join {{ ref('stg_raw__responses') }} as responses on papers.response_id = responses.response_id
),

final as (
    select
        arxiv_id,
        submitted_on,
        title,
        abstract,
        primary_category,
        categories,
        fetched_at as known_from,
        response_id
    from papers
    qualify
        not is_of_snapshot
        or coalesce(fetched_at < min(fetched_at) filter (where not is_of_snapshot) over (partition by arxiv_id), true)
)

select * from final
