-- Claim: Keras was first released in March 2015, PyTorch in January 2017 (the English edition says October 2016).
-- Holds: The month is that of the registry's first release, which is typed from the projects' own announcements; and
--   of the oldest release in GitHub's list as far as it was read. A later oldest one tells nothing, an earlier one
--   speaks against it. The day plays no part.
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
        null as version
    from dim_frameworks
    where first_released_on is not null
    union all
    select
        framework_id,
        'github' as told_by,
        min(released_on) as day,
        arg_min(version, (released_on, version)) as version
    from fct_releases
    group by framework_id
),

final as (
    select
        stated.name || '.' || kinds.told_by as part,
        strftime(stated.month, '%B %Y') as stated,
        strftime(measured.day, '%-d %B %Y') as measured,
        case
            when kinds.told_by = 'registry' or date_trunc('month', measured.day) <= stated.month
                then date_trunc('month', measured.day) = stated.month
        end as holds,
        case
            when measured.day is null then null
            when kinds.told_by = 'registry' then 'as the registry has it, typed from the announcement'
            when date_trunc('month', measured.day) <= stated.month
                then format('the oldest release that was read is {}', measured.version)
            else format('the oldest release that was read is {}: an earlier one may not be listed', measured.version)
        end as reason
    from stated
    cross join (values ('registry'), ('github')) as kinds (told_by)
    left join measured on stated.framework_id = measured.framework_id and kinds.told_by = measured.told_by
)

select * from final
order by part
