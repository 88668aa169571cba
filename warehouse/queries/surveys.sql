-- Surveys: the shares of each population beside each other
-- Question: Which share of whom named each framework, survey by survey?
-- Read: Compare along one survey and population, from year to year; never across surveys, which ask other people
--   other things. Several answers were allowed. Without a published base there is no share; where asked is false
--   the survey did not ask, which is not zero. verified is false for a figure that is retold, not read on the
--   survey's own page.
-- Cannot tell: How many people use a framework. Respondents choose themselves, and a label may cover two:
--   Torch/PyTorch.
with final as (
    select
        frameworks.name,
        shares.survey,
        shares.population,
        shares.year,
        shares.label,
        shares.respondents,
        shares.base,
        round(shares.share, 4) as share,
        shares.asked,
        shares.verified
    from fct_survey_shares as shares
    inner join dim_frameworks as frameworks on shares.framework_id = frameworks.framework_id
)

select * from final
order by name, survey, population, year, label
