# Plot runs and tables to results/<experiment>/figures/. Each figure is part of `snakemake --report`.


rule plot_learning_curves:
    input:
        runs=runs_of_dataset,
    output:
        figure("learning_curves", "learning curves"),
    log:
        jobs.log("plot_learning_curves"),
    benchmark:
        jobs.benchmark("plot_learning_curves")
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_learning_curves"),
        training=code_digest("train_run"),
        data=digest_of_data,
        order=order_of_runs,
        caption=caption_context,
    script:
        "../../scripts/plot_learning_curves.py"


rule plot_accuracy:
    input:
        **table("results"),
    output:
        figure("accuracy", "accuracy by hidden units"),
    log:
        jobs.log("plot_accuracy"),
    benchmark:
        jobs.benchmark("plot_accuracy")
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_accuracy"),
        caption=caption_context,
    script:
        "../../scripts/plot_accuracy.py"


rule plot_seeds:
    input:
        **table("results"),
    output:
        figure("seeds", "faults of each seed"),
    log:
        jobs.log("plot_seeds"),
    benchmark:
        jobs.benchmark("plot_seeds")
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_seeds"),
        caption=caption_context,
    script:
        "../../scripts/plot_seeds.py"


rule plot_heat_maps:
    input:
        **table("results"),
    output:
        figure("heat_maps", "heat maps"),
    log:
        jobs.log("plot_heat_maps"),
    benchmark:
        jobs.benchmark("plot_heat_maps")
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_heat_maps"),
        caption=caption_context,
    script:
        "../../scripts/plot_heat_maps.py"


rule plot_cost:
    input:
        **table("results"),
    output:
        figure("cost", "accuracy against cost"),
    log:
        jobs.log("plot_cost"),
    benchmark:
        jobs.benchmark("plot_cost")
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_cost"),
        caption=caption_context,
    script:
        "../../scripts/plot_cost.py"


rule plot_confusion:
    input:
        **table("best_runs"),
        runs=runs_to_fetch,
        data=paths.DATA,
    output:
        figure("confusion", "confusion matrix of the best run"),
    log:
        jobs.log("plot_confusion"),
    benchmark:
        jobs.benchmark("plot_confusion")
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_confusion"),
        data=digest_of_data,
        caption=caption_context,
    script:
        "../../scripts/plot_confusion.py"


rule plot_mistakes:
    input:
        **table("best_runs"),
        runs=runs_to_fetch,
        data=paths.DATA,
    output:
        figure("mistakes", "the most confident mistakes"),
    log:
        jobs.log("plot_mistakes"),
    benchmark:
        jobs.benchmark("plot_mistakes")
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_mistakes"),
        data=digest_of_data,
        max_count=context.MAX_MISTAKES,
        caption=caption_context,
    script:
        "../../scripts/plot_mistakes.py"


rule plot_weights:
    input:
        **table("best_runs"),
        runs=runs_to_fetch,
    output:
        figure("weights", "first-layer weights as images"),
    log:
        jobs.log("plot_weights"),
    benchmark:
        jobs.benchmark("plot_weights")
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_weights"),
        max_count=context.MAX_UNITS,
        max_units=context.MAX_FEATURE_UNITS,
        max_inputs=context.MAX_INPUTS,
        percentile=context.WEIGHT_PERCENTILE,
        caption=caption_context,
    script:
        "../../scripts/plot_weights.py"


rule plot_search:
    input:
        unpack(searched_files),
        data=paths.DATA,
    output:
        figure("search", "learning curves of the search"),
    log:
        jobs.log("plot_search"),
    benchmark:
        jobs.benchmark("plot_search")
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_search"),
        training=code_digest("train_run"),
        data=digest_of_data,
        shapes=shapes_of_dataset,
        caption=caption_context,
    script:
        "../../scripts/plot_search.py"


rule plot_comparison:
    input:
        **table("comparison"),
    output:
        figure("comparison", "published and reproduced faults"),
    log:
        jobs.log("plot_comparison"),
    benchmark:
        jobs.benchmark("plot_comparison")
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_comparison"),
        caption=caption_context,
    script:
        "../../scripts/plot_comparison.py"


rule plot_best:
    input:
        **table("best"),
    output:
        figure("best", "published and our best accuracy"),
    log:
        jobs.log("plot_best"),
    benchmark:
        jobs.benchmark("plot_best")
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_best"),
        caption=caption_context,
    script:
        "../../scripts/plot_best.py"


rule plot_importance:
    input:
        **table("importance"),
    output:
        figure("importance", "importance of axes"),
    log:
        jobs.log("plot_importance"),
    benchmark:
        jobs.benchmark("plot_importance")
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_importance"),
        caption=caption_context,
    script:
        "../../scripts/plot_importance.py"
