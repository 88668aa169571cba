-- Gaps: what is not known
-- Question: Of which source, subjects and days is nothing known, and why?
-- Read: missing is still to be collected or does not exist, not_asked was never asked, an outage is the source's.
--   days is the sum over the subjects' closed periods; open_periods have no end, or no known beginning. `*` stands
--   for all.
-- Cannot tell: What the missing figures were. They are not zero.
with final as (
    select
        source,
        state,
        note,
        count(distinct subject) as subjects,
        array_to_string(list_sort(list(distinct subject))[1:3], ', ')
        || if(count(distinct subject) > 3, ', …', '') as which,
        min(period_start) as first_day,
        max(period_end) as last_day,
        sum(period_end - period_start + 1)::bigint as days,
        count(*) filter (where period_start is null or period_end is null) as open_periods
    from fct_coverage
    where state in ('missing', 'not_asked', 'outage')
    group by source, state, note
)

select * from final
order by source, state, first_day, note
