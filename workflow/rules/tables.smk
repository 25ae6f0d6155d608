# Aggregate runs and checks to results/<experiment>/tables/. Each table is part of `snakemake --report`.


rule aggregate_results:
    input:
        **paths.finalist_inputs(EXPERIMENT),
        runs=paths.run_files(EXPERIMENT),
        data=paths.data_files(EXPERIMENT),
    output:
        **table_outputs("results", "results"),
    log:
        jobs.log("aggregate_results"),
    benchmark:
        jobs.benchmark("aggregate_results")
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("aggregate_results"),
        training=code_digest("train_run"),
        data=data_digests(),
        order=names_digest(paths.run_files(EXPERIMENT)),
        shapes=[search.shape for search in EXPERIMENT.searches if search.finalists],
        caption=caption_context,
    script:
        "../../scripts/aggregate_results.py"


rule aggregate_seeds:
    input:
        **table("results"),
    output:
        **table_outputs("seeds", "over seeds"),
    log:
        jobs.log("aggregate_seeds"),
    benchmark:
        jobs.benchmark("aggregate_seeds")
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("aggregate_seeds"),
        caption=caption_context,
    script:
        "../../scripts/aggregate_seeds.py"


rule aggregate_search:
    input:
        **searched_files(),
        data=paths.data_files(EXPERIMENT),
    output:
        **table_outputs("search", "search"),
    log:
        jobs.log("aggregate_search"),
    benchmark:
        jobs.benchmark("aggregate_search")
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("aggregate_search"),
        training=code_digest("train_run"),
        data=data_digests(),
        shapes=[search.shape for search in EXPERIMENT.halved],
    script:
        "../../scripts/aggregate_search.py"


rule aggregate_comparison:
    input:
        **table("seeds"),
    output:
        **table_outputs("comparison", "published and reproduced"),
    log:
        jobs.log("aggregate_comparison"),
    benchmark:
        jobs.benchmark("aggregate_comparison")
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("aggregate_comparison"),
        published=Untracked(PUBLISHED),
        published_sha256=PUBLISHED and file_sha256(PUBLISHED),
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
        jobs.log("aggregate_best"),
    benchmark:
        jobs.benchmark("aggregate_best")
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("aggregate_best"),
        published=Untracked(PUBLISHED),
        published_sha256=PUBLISHED and file_sha256(PUBLISHED),
        caption=caption_context,
    script:
        "../../scripts/aggregate_best.py"


rule aggregate_importance:
    input:
        **table("search" if EXPERIMENT.halved else "seeds"),
    output:
        **table_outputs("importance", "importance of axes"),
    log:
        jobs.log("aggregate_importance"),
    benchmark:
        jobs.benchmark("aggregate_importance")
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("aggregate_importance"),
        caption=caption_context,
    script:
        "../../scripts/aggregate_importance.py"


# Three figures show the best run of each dataset.
rule aggregate_best_runs:
    input:
        **table("results"),
    output:
        csv=paths.table("best_runs"),
        checksums=paths.table("best_runs", paths.CHECKSUMS),
    log:
        jobs.log("aggregate_best_runs"),
    benchmark:
        jobs.benchmark("aggregate_best_runs")
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
        jobs.log("aggregate_gradient_checks"),
    benchmark:
        jobs.benchmark("aggregate_gradient_checks")
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
