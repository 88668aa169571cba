-- Three kinds of stars: how far observed, retained and gross counts lie apart
-- Question: On the last day of each year for which more than one kind is known, what does each kind say?
-- Read: observed is what the page showed that day; retained counts who still stars today; gross counts every star
--   ever given. retained_per_observed 0.9 says that one in ten of the stars of that day was taken back since.
-- Cannot tell: Which one is right: they answer three questions. Without a day that has two kinds a framework has no
--   row.
with days as (
    select *
    from rpt_star_disagreement
    qualify row_number() over (partition by framework_id, year(day) order by day desc) = 1
),

final as (
    select
        frameworks.name,
        days.day,
        days.observed,
        days.retained,
        days.gross,
        round(days.retained_per_observed, 3) as retained_per_observed,
        round(days.gross_per_observed, 3) as gross_per_observed,
        round(days.retained_per_gross, 3) as retained_per_gross
    from days
    inner join dim_frameworks as frameworks on days.framework_id = frameworks.framework_id
)

select * from final
order by name, day
