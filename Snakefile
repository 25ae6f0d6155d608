# The entry that `snakemake --cores 8` finds. The workflow's table of contents is workflow/Snakefile.


include: "workflow/Snakefile"


# A Snakefile that only includes another has no default target: it would do nothing, successfully.
rule default:
    default_target: True
    input:
        rules.all.input,
    localrule: True
