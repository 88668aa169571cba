-- The registry's rules on each paper's title and abstract. A text with the rule's `unless` means another thing of the
-- same name ("CNTK" beside "neural tangent kernel"). A rule with beside_framework counts only where another
-- framework is named by a rule without conditions ("Torch" beside "Theano" is the library, alone it may be a word).
with papers as (
    select *
    from {{ ref('int_paper_history') }}
    where known_to is null
),

hits as (
    select
        papers.arxiv_id,
        papers.submitted_on,
        rules.framework_id,
        rules.rule_version,
        rules.beside_framework,
        rules.beside is null and not rules.beside_framework as is_plain,
        regexp_matches(papers.title, rules.match) as in_title,
        regexp_matches(papers.abstract, rules.match) as in_abstract
    from papers
    cross join {{ ref('stg_registry__arxiv_rules') }} as rules
    where
        (in_title or in_abstract)
        and (rules.beside is null or regexp_matches(concat_ws(' ', papers.title, papers.abstract), rules.beside))
        and (rules.unless is null or not regexp_matches(concat_ws(' ', papers.title, papers.abstract), rules.unless))
),

accepted as (
    select *
    from hits
    where
        not beside_framework
        or exists (
            select 1
            from hits as company
            where
                company.arxiv_id = hits.arxiv_id
                and company.framework_id <> hits.framework_id
                and company.is_plain
        )
),

final as (
    select
        arxiv_id,
        framework_id,
        submitted_on,
        bool_or(in_title) as in_title,
        bool_or(in_abstract) as in_abstract,
        rule_version
    from accepted
    group by all
)

select * from final
