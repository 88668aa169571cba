-- Claim: Most papers that mention Keras also mention its TensorFlow backend.
-- Holds: More than half of the papers of the twelve months up to the day whose title or abstract names Keras name
--   TensorFlow there too; at least twenty papers. An abstract names a backend less often than a full text does.
-- Needs: dlpulse collect papers, which reads the papers of these months
with papers as (
    select
        arxiv_id,
        bool_or(framework_id = 'keras') as names_keras,
        bool_or(framework_id = 'tensorflow') as names_tensorflow
    from fct_mentions
    where submitted_on > $on - 365 and submitted_on <= $on
    group by arxiv_id
),

measured as (
    select
        count(*) as papers,
        count(*) filter (where names_tensorflow) as together
    from papers
    where names_keras
),

final as (
    select
        'keras' as part,
        'most' as stated,
        case when papers >= 20 then format('{:.0f} % of {:,} papers', 100 * together / papers, papers) end as measured,
        case when papers >= 20 then together / papers > 0.5 end as holds,
        case
            when papers >= 20 then 'title or abstract, of the twelve months up to the day; full texts were not read'
            when papers > 0 then format('only {} such papers are known of these twelve months', papers)
        end as reason
    from measured
)

select * from final
