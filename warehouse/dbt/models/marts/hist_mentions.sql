-- The registry's rules on each version of a paper's title and abstract. A text with the rule's `unless` means another
-- thing of the same name ("CNTK" beside "neural tangent kernel"). A rule with beside_framework counts only where another
-- framework is named by a rule without conditions ("Torch" beside "Theano" is the library, alone it may be a word).
-- The rules' patterns are literals: one that stands in a column is compiled anew for each text, which takes seven times
-- as long.
{% set rules = registry_rules() %}
with hits as (
    {%- for rule in rules %}
    select
        papers.arxiv_id,
        papers.submitted_on,
        papers.known_from,
        papers.known_to,
        papers.response_id,
        {{ rule.framework_id }} as framework_id,
        {{ rule.rule_version }} as rule_version,
        {{ rule.beside_framework }} as beside_framework,
        {{ rule.is_plain }} as is_plain,
        regexp_matches(papers.title, {{ rule.match }}) as in_title,
        regexp_matches(papers.abstract, {{ rule.match }}) as in_abstract
    from {{ ref('int_paper_history') }} as papers
    where
        (in_title or in_abstract)
        {%- if rule.beside %}
        and regexp_matches(concat_ws(' ', papers.title, papers.abstract), {{ rule.beside }})
        {%- endif %}
        {%- if rule.unless %}
        and not regexp_matches(concat_ws(' ', papers.title, papers.abstract), {{ rule.unless }})
        {%- endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
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
                and company.response_id = hits.response_id
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
        rule_version,
        known_from,
        known_to,
        response_id
    from accepted
    group by all
)

select * from final
