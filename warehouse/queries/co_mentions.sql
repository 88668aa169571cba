-- Co-mentions: which frameworks are named together
-- Question: Of the papers that name one framework, how many also name each other one?
-- Read: The matrix in long form, one row a pair in each direction. share_of_papers is together / papers: of the
--   papers naming the framework, the share that also names the one beside it. A pair without a row stands in no
--   paper here.
-- Cannot tell: Which of the two was used, and why both are named: comparison, backend, or history.
with named as (
    select
        framework_id,
        count(*) as papers
    from fct_mentions
    group by framework_id
),

pairs as (
    select
        mentions.framework_id,
        others.framework_id as beside_id,
        count(*) as together
    from fct_mentions as mentions
    inner join fct_mentions as others on mentions.arxiv_id = others.arxiv_id
    where mentions.framework_id <> others.framework_id
    group by all
),

final as (
    select
        frameworks.name,
        beside.name as beside,
        named.papers,
        pairs.together,
        round(pairs.together / named.papers, 3) as share_of_papers
    from pairs
    inner join named on pairs.framework_id = named.framework_id
    inner join dim_frameworks as frameworks on pairs.framework_id = frameworks.framework_id
    inner join dim_frameworks as beside on pairs.beside_id = beside.framework_id
)

select * from final
order by papers desc, name, together desc, beside
