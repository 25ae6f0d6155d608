# From runs and checks to results/<experiment>/tables/, each table marked for `snakemake --report`.


rule aggregate_results:
    input:
        runs=paths.run_files(EXPERIMENT),
        data=paths.data_files(EXPERIMENT),
    output:
        **table_outputs("results", "results"),
    log:
        "results/logs/aggregate_results/{experiment}.log",
    benchmark:
        "results/benchmarks/aggregate_results/{experiment}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("aggregate_results"),
        training=code_digest("train_run"),
        data=data_digests(),
        order=names_digest(paths.run_files(EXPERIMENT)),
        caption=caption_context,
    script:
        "../../scripts/aggregate_results.py"


rule aggregate_seeds:
    input:
        **table("results"),
    output:
        **table_outputs("seeds", "over seeds"),
    log:
        "results/logs/aggregate_seeds/{experiment}.log",
    benchmark:
        "results/benchmarks/aggregate_seeds/{experiment}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("aggregate_seeds"),
        caption=caption_context,
    script:
        "../../scripts/aggregate_seeds.py"


rule aggregate_comparison:
    input:
        **table("seeds"),
    output:
        **table_outputs("comparison", "published and reproduced"),
    log:
        "results/logs/aggregate_comparison/{experiment}.log",
    benchmark:
        "results/benchmarks/aggregate_comparison/{experiment}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("aggregate_comparison"),
        published=published_table(),
        published_sha256=published_checksum(),
        loss_divisor=context.loss_divisors(EXPERIMENT),
        caption=caption_context,
    script:
        "../../scripts/aggregate_comparison.py"


rule aggregate_best:
    input:
        **table("seeds"),
    output:
        **table_outputs("best", "published and ours, the best"),
    log:
        "results/logs/aggregate_best/{experiment}.log",
    benchmark:
        "results/benchmarks/aggregate_best/{experiment}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("aggregate_best"),
        published=published_table(),
        published_sha256=published_checksum(),
        caption=caption_context,
    script:
        "../../scripts/aggregate_best.py"


# The best run of each dataset, which three figures show.
rule aggregate_best_runs:
    input:
        **table("results"),
    output:
        csv="results/{experiment}/tables/best_runs.csv",
        checksums="results/{experiment}/tables/best_runs.csv.sha256",
    log:
        "results/logs/aggregate_best_runs/{experiment}.log",
    benchmark:
        "results/benchmarks/aggregate_best_runs/{experiment}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("aggregate_best_runs"),
    script:
        "../../scripts/aggregate_best_runs.py"


rule aggregate_gradient_checks:
    input:
        checks=paths.gradient_checks(EXPERIMENT),
    output:
        **table_outputs("gradient_checks", "gradient checks"),
    log:
        "results/logs/aggregate_gradient_checks/{experiment}.log",
    benchmark:
        "results/benchmarks/aggregate_gradient_checks/{experiment}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("aggregate_gradient_checks"),
        checking=code_digest("check_gradients"),
        settings=asdict(EXPERIMENT.gradient_check),
        data=data_digests(),
        checked=paths.checked(EXPERIMENT),
        caption=caption_context,
    script:
        "../../scripts/aggregate_gradient_checks.py"
