# Render the page of the experiment, results/<experiment>/summary.html, from all other results.


rule render_summary:
    input:
        results=paths.table("results"),
        seeds=paths.table("seeds"),
        best=paths.table("best"),
        search=paths.table("search") if EXPERIMENT.halved else [],
        comparison=paths.table("comparison") if EXPERIMENT.has_published else [],
        importance=paths.table("importance") if EXPERIMENT.has_importance else [],
        gradient_checks=paths.table("gradient_checks"),
        checksums=paths.checksum_files(EXPERIMENT),
        figures=paths.figure_files(EXPERIMENT),
        runs=paths.run_files(EXPERIMENT),
        searched=[path for paths_of_kind in searched_files().values() for path in paths_of_kind],
        data=paths.data_files(EXPERIMENT),
        gates=paths.gates(EXPERIMENT),
        checks=paths.gradient_checks(EXPERIMENT),
    output:
        report(
            paths.PAGE,
            caption="../report/summary.rst",
            category="Summary",
            labels={"page": "the whole experiment on one page"},
        ),
    log:
        jobs.log("render_summary"),
    benchmark:
        jobs.benchmark("render_summary")
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("render_summary"),
        training=code_digest("train_run"),
        data=data_digests(),
        checked=paths.checked(EXPERIMENT),
        figure_keys=figures.figure_keys(EXPERIMENT),
        left_out=Untracked(figures.left_out_figures(EXPERIMENT)),
        config=page_config,
        config_digest=page_config_digest,
        contexts=page_contexts(),
        order=names_digest(paths.run_files(EXPERIMENT)),
        benchmarks=page_benchmarks,
        caption=caption_context,
    script:
        "../../scripts/render_summary.py"
