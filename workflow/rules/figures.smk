# From runs and tables to results/<experiment>/figures/, each figure marked for `snakemake --report`.


rule plot_learning_curves:
    input:
        runs=runs_of_dataset,
    output:
        dataset_figure("learning_curves", "learning curves"),
    log:
        "results/logs/plot_learning_curves/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_learning_curves/{experiment}/{dataset}.tsv"
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
        dataset_figure("accuracy", "accuracy by hidden units"),
    log:
        "results/logs/plot_accuracy/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_accuracy/{experiment}/{dataset}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_accuracy"),
        caption=caption_context,
    script:
        "../../scripts/plot_accuracy.py"


rule plot_heat_maps:
    input:
        **table("results"),
    output:
        dataset_figure("heat_maps", "heat maps"),
    log:
        "results/logs/plot_heat_maps/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_heat_maps/{experiment}/{dataset}.tsv"
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
        dataset_figure("cost", "accuracy against cost"),
    log:
        "results/logs/plot_cost/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_cost/{experiment}/{dataset}.tsv"
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
        # the best one is read
        runs=runs_of_dataset,
        data="results/data/{dataset}.h5",
    output:
        dataset_figure("confusion", "confusion matrix of the best run"),
    log:
        "results/logs/plot_confusion/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_confusion/{experiment}/{dataset}.tsv"
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
        # the best one is read
        runs=runs_of_dataset,
        data="results/data/{dataset}.h5",
    output:
        dataset_figure("mistakes", "the most confident mistakes"),
    log:
        "results/logs/plot_mistakes/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_mistakes/{experiment}/{dataset}.tsv"
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
        # the best one is read
        runs=runs_of_dataset,
    output:
        dataset_figure("weights", "first-layer weights as images"),
    log:
        "results/logs/plot_weights/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_weights/{experiment}/{dataset}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_weights"),
        image_shape=image_shape,
        max_count=context.MAX_UNITS,
        percentile=context.WEIGHT_PERCENTILE,
        caption=caption_context,
    script:
        "../../scripts/plot_weights.py"


rule plot_comparison:
    input:
        **table("comparison"),
    output:
        overall_figure("comparison", "published and reproduced faults"),
    log:
        "results/logs/plot_comparison/{experiment}.log",
    benchmark:
        "results/benchmarks/plot_comparison/{experiment}.tsv"
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
        overall_figure("best", "published and our best accuracy"),
    log:
        "results/logs/plot_best/{experiment}.log",
    benchmark:
        "results/benchmarks/plot_best/{experiment}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_best"),
        caption=caption_context,
    script:
        "../../scripts/plot_best.py"
