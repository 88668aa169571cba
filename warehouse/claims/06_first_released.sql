-- Claim: Keras was first released in March 2015, PyTorch in January 2017 (the English edition says October 2016).
-- Holds: The month is that of the registry's first release, and of the oldest release that GitHub lists, which may be
--   younger than the first announcement. The day plays no part.
-- Needs: dlpulse collect releases, which reads the list of releases
with stated as (
    select *
    from (
        values
            ('keras', 'keras', date '2015-03-01'),
            ('pytorch', 'pytorch', date '2017-01-01'),
            ('pytorch_english_edition', 'pytorch', date '2016-10-01')
    ) as claimed (name, framework_id, month)
),

measured as (
    select
        framework_id,
        'registry' as told_by,
        first_released_on as day,
        'as the registry has it' as reason
    from dim_frameworks
    where first_released_on is not null
    union all
    select
        framework_id,
        'github' as told_by,
        min(released_on) as day,
        format('the oldest of {} releases that GitHub lists is {}', count(*), arg_min(version, released_on)) as reason
    from fct_releases
    group by framework_id
),

final as (
    select
        stated.name || '.' || kinds.told_by as part,
        strftime(stated.month, '%B %Y') as stated,
        strftime(measured.day, '%-d %B %Y') as measured,
        date_trunc('month', measured.day) = stated.month as holds,
        measured.reason
    from stated
    cross join (values ('registry'), ('github')) as kinds (told_by)
    left join measured on stated.framework_id = measured.framework_id and kinds.told_by = measured.told_by
)

select * from final
order by part
