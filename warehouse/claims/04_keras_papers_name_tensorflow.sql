-- Claim: Most papers that mention Keras also mention its TensorFlow backend.
-- Holds: More than half of the papers whose title or abstract names Keras name TensorFlow there too, of the twelve
--   whole months up to the day; beside it of each calendar year. All months must have been read, and twenty such
--   papers be known. An abstract names a backend less often than a full text does: less than half tells nothing.
-- Needs: dlpulse collect papers, which reads the papers of these months
with read_months as (
    select month
    from fct_mentions_monthly
    where framework_id = 'keras' and measure = 'title_abstract' and base = 'ml_papers' and papers is not null
),

-- Before it was released nobody could name it.
begun as (
    select coalesce(date_trunc('year', min(first_released_on)), date '0001-01-01')::date as since
    from dim_frameworks
    where framework_id = 'keras'
),

spans as (
    select
        'keras' as part,
        (date_trunc('month', $on + 1) - interval 12 months)::date as since,
        date_trunc('month', $on + 1)::date as until
    union all
    select
        'keras.in_' || year(month) as part,
        date_trunc('year', min(month))::date as since,
        (date_trunc('year', min(month)) + interval 1 year)::date as until
    from read_months
    inner join begun on read_months.month >= begun.since
    where month < $on
    group by year(month)
),

months as (
    select
        spans.part,
        count(read_months.month) as months
    from spans
    left join read_months on read_months.month >= spans.since and read_months.month < spans.until
    group by spans.part
),

papers as (
    select
        arxiv_id,
        min(submitted_on) as submitted_on,
        bool_or(framework_id = 'tensorflow') as names_tensorflow
    from fct_mentions
    group by arxiv_id
    having bool_or(framework_id = 'keras')
),

measured as (
    select
        spans.part,
        count(papers.arxiv_id) as papers,
        count(papers.arxiv_id) filter (where papers.names_tensorflow) as together
    from spans
    left join papers on papers.submitted_on >= spans.since and papers.submitted_on < spans.until
    group by spans.part
),

final as (
    select
        measured.part,
        'most' as stated,
        case
            when measured.papers >= 20 and months.months = 12
                then format('{:.0f} % of {:,} papers', 100 * measured.together / measured.papers, measured.papers)
        end as measured,
        case
            when measured.papers >= 20 and months.months = 12 and measured.together / measured.papers > 0.5 then true
        end as holds,
        case
            when months.months = 0 then null
            when months.months < 12 then format('only {} of these twelve months were read', months.months)
            when measured.papers < 20 then format('only {} such papers are known of these months', measured.papers)
            when measured.together / measured.papers > 0.5 then 'in title or abstract; full texts were not read'
            else 'in title or abstract, where a backend is named less often than in the text: this does not tell'
        end as reason
    from measured
    inner join months on measured.part = months.part
)

select * from final
order by part
