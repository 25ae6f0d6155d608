# From everything else to results/<experiment>/summary.html, the page of the experiment.


rule render_summary:
    input:
        results="results/{experiment}/tables/results.csv",
        seeds="results/{experiment}/tables/seeds.csv",
        best="results/{experiment}/tables/best.csv",
        comparison=comparison_file(),
        gradient_checks="results/{experiment}/tables/gradient_checks.csv",
        checksums=paths.checksum_files(EXPERIMENT),
        figures=paths.figure_files(EXPERIMENT),
        runs=paths.run_files(EXPERIMENT),
        data=paths.data_files(EXPERIMENT),
        gates=paths.gates(EXPERIMENT),
        checks=paths.gradient_checks(EXPERIMENT),
    output:
        report(
            "results/{experiment}/summary.html",
            caption="../report/summary.rst",
            category="Summary",
            labels={"page": "the whole experiment on one page"},
        ),
    log:
        "results/logs/render_summary/{experiment}.log",
    benchmark:
        "results/benchmarks/render_summary/{experiment}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("render_summary"),
        training=code_digest("train_run"),
        data=data_digests(),
        checked=paths.checked(EXPERIMENT),
        config=page_config,
        config_digest=page_config_digest,
        contexts=page_contexts(),
        order=names_digest(paths.run_files(EXPERIMENT)),
        benchmarks="results/benchmarks",
        caption=caption_context,
    script:
        "../../scripts/render_summary.py"
