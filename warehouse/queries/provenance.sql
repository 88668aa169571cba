-- Provenance: where one framework's figures come from
-- Question: Which answer, read when and from which address, gave each figure that is shown of a framework?
-- Read: One row a figure. `dlpulse raw show RESPONSE_ID` prints the archived answer, or the line
--   of a cited figure; status is NULL for those and for the benchmark's results. Change the id in `setting`.
-- Cannot tell: Whether the source was right. A figure made of many answers names one of them.
with setting as (
    select 'keras' as framework_id
),

final as (
    select
        figures.measure,
        figures.value,
        figures.as_of,
        figures.base,
        figures.source,
        responses.url,
        responses.fetched_at,
        responses.status,
        responses.response_id
    from rpt_framework_figures as figures
    inner join setting on figures.framework_id = setting.framework_id
    inner join meta_responses as responses on figures.response_id = responses.response_id
)

select * from final
order by measure
