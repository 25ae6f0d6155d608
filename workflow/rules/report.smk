# From finished runs to results/<experiment>/: tables and figures, each marked for `snakemake --report`.


rule aggregate_results:
    input:
        runs=runs_of(),
        data=data_files(),
    output:
        csv="results/{experiment}/tables/results.csv",
        checksums="results/{experiment}/tables/results.csv.sha256",
        md="results/{experiment}/tables/results.md",
        html=report(
            "results/{experiment}/tables/results.html",
            caption="../report/results.rst",
            category="Tables",
            labels={"table": "results"},
        ),
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
        order=names_digest(runs_of()),
    script:
        "../../scripts/aggregate_results.py"


rule aggregate_seeds:
    input:
        results="results/{experiment}/tables/results.csv",
        checksums="results/{experiment}/tables/results.csv.sha256",
    output:
        csv="results/{experiment}/tables/seeds.csv",
        checksums="results/{experiment}/tables/seeds.csv.sha256",
        md="results/{experiment}/tables/seeds.md",
        html=report(
            "results/{experiment}/tables/seeds.html",
            caption="../report/seeds.rst",
            category="Tables",
            labels={"table": "over seeds"},
        ),
    log:
        "results/logs/aggregate_seeds/{experiment}.log",
    benchmark:
        "results/benchmarks/aggregate_seeds/{experiment}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("aggregate_seeds"),
    script:
        "../../scripts/aggregate_seeds.py"


rule aggregate_comparison:
    input:
        seeds="results/{experiment}/tables/seeds.csv",
        checksums="results/{experiment}/tables/seeds.csv.sha256",
    output:
        csv="results/{experiment}/tables/comparison.csv",
        checksums="results/{experiment}/tables/comparison.csv.sha256",
        md="results/{experiment}/tables/comparison.md",
        html=report(
            "results/{experiment}/tables/comparison.html",
            caption="../report/comparison.rst",
            category="Tables",
            labels={"table": "published and reproduced"},
        ),
    log:
        "results/logs/aggregate_comparison/{experiment}.log",
    benchmark:
        "results/benchmarks/aggregate_comparison/{experiment}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("aggregate_comparison"),
        published_sha256=published_checksum(),
        loss_divisor=loss_divisor(),
    script:
        "../../scripts/aggregate_comparison.py"


rule aggregate_best:
    input:
        seeds="results/{experiment}/tables/seeds.csv",
        checksums="results/{experiment}/tables/seeds.csv.sha256",
    output:
        csv="results/{experiment}/tables/best.csv",
        checksums="results/{experiment}/tables/best.csv.sha256",
        md="results/{experiment}/tables/best.md",
        html=report(
            "results/{experiment}/tables/best.html",
            caption="../report/best.rst",
            category="Tables",
            labels={"table": "published and ours, the best"},
        ),
    log:
        "results/logs/aggregate_best/{experiment}.log",
    benchmark:
        "results/benchmarks/aggregate_best/{experiment}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("aggregate_best"),
        published_sha256=published_checksum(),
    script:
        "../../scripts/aggregate_best.py"


rule aggregate_gradient_checks:
    input:
        checks=gradient_checks(),
    output:
        csv="results/{experiment}/tables/gradient_checks.csv",
        checksums="results/{experiment}/tables/gradient_checks.csv.sha256",
        md="results/{experiment}/tables/gradient_checks.md",
        html=report(
            "results/{experiment}/tables/gradient_checks.html",
            caption="../report/gradient_checks.rst",
            category="Tables",
            labels={"table": "gradient checks"},
        ),
    log:
        "results/logs/aggregate_gradient_checks/{experiment}.log",
    benchmark:
        "results/benchmarks/aggregate_gradient_checks/{experiment}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("aggregate_gradient_checks"),
        checking=code_digest("check_gradients"),
        settings=check_settings(),
        data=data_digests(),
        order=names_digest(gradient_checks()),
    script:
        "../../scripts/aggregate_gradient_checks.py"


rule plot_learning_curves:
    input:
        runs=runs_of_dataset,
    output:
        report(
            "results/{experiment}/figures/learning_curves/{dataset}.svg",
            caption="../report/learning_curves.rst",
            category="Figures",
            subcategory="{dataset}",
            labels={"figure": "learning curves", "dataset": "{dataset}"},
        ),
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
    script:
        "../../scripts/plot_learning_curves.py"


rule plot_accuracy:
    input:
        results="results/{experiment}/tables/results.csv",
        checksums="results/{experiment}/tables/results.csv.sha256",
    output:
        report(
            "results/{experiment}/figures/accuracy/{dataset}.svg",
            caption="../report/accuracy.rst",
            category="Figures",
            subcategory="{dataset}",
            labels={"figure": "accuracy by hidden units", "dataset": "{dataset}"},
        ),
    log:
        "results/logs/plot_accuracy/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_accuracy/{experiment}/{dataset}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_accuracy"),
    script:
        "../../scripts/plot_accuracy.py"


rule plot_heat_maps:
    input:
        results="results/{experiment}/tables/results.csv",
        checksums="results/{experiment}/tables/results.csv.sha256",
    output:
        report(
            "results/{experiment}/figures/heat_maps/{dataset}.svg",
            caption="../report/heat_maps.rst",
            category="Figures",
            subcategory="{dataset}",
            labels={"figure": "heat maps", "dataset": "{dataset}"},
        ),
    log:
        "results/logs/plot_heat_maps/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_heat_maps/{experiment}/{dataset}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_heat_maps"),
        runs=number_of_runs,
    script:
        "../../scripts/plot_heat_maps.py"


rule plot_cost:
    input:
        results="results/{experiment}/tables/results.csv",
        checksums="results/{experiment}/tables/results.csv.sha256",
    output:
        report(
            "results/{experiment}/figures/cost/{dataset}.svg",
            caption="../report/cost.rst",
            category="Figures",
            subcategory="{dataset}",
            labels={"figure": "accuracy against cost", "dataset": "{dataset}"},
        ),
    log:
        "results/logs/plot_cost/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_cost/{experiment}/{dataset}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_cost"),
        runs=number_of_runs,
    script:
        "../../scripts/plot_cost.py"


rule plot_confusion:
    input:
        results="results/{experiment}/tables/results.csv",
        checksums="results/{experiment}/tables/results.csv.sha256",
        runs=runs_of_dataset,
        data="results/data/{dataset}.h5",
    output:
        report(
            "results/{experiment}/figures/confusion/{dataset}.svg",
            caption="../report/confusion.rst",
            category="Figures",
            subcategory="{dataset}",
            labels={
                "figure": "confusion matrix of the best run",
                "dataset": "{dataset}",
            },
        ),
    log:
        "results/logs/plot_confusion/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_confusion/{experiment}/{dataset}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_confusion"),
        data=digest_of_data,
    script:
        "../../scripts/plot_confusion.py"


rule plot_mistakes:
    input:
        results="results/{experiment}/tables/results.csv",
        checksums="results/{experiment}/tables/results.csv.sha256",
        runs=runs_of_dataset,
        data="results/data/{dataset}.h5",
    output:
        report(
            "results/{experiment}/figures/mistakes/{dataset}.svg",
            caption="../report/mistakes.rst",
            category="Figures",
            subcategory="{dataset}",
            labels={"figure": "the most confident mistakes", "dataset": "{dataset}"},
        ),
    log:
        "results/logs/plot_mistakes/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_mistakes/{experiment}/{dataset}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_mistakes"),
        data=digest_of_data,
        most=MOST_MISTAKES,
    script:
        "../../scripts/plot_mistakes.py"


rule plot_weights:
    input:
        results="results/{experiment}/tables/results.csv",
        checksums="results/{experiment}/tables/results.csv.sha256",
        runs=runs_of_dataset,
    output:
        report(
            "results/{experiment}/figures/weights/{dataset}.svg",
            caption="../report/weights.rst",
            category="Figures",
            subcategory="{dataset}",
            labels={
                "figure": "first-layer weights as images",
                "dataset": "{dataset}",
            },
        ),
    log:
        "results/logs/plot_weights/{experiment}/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_weights/{experiment}/{dataset}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_weights"),
        image_shape=image_shape,
        most=MOST_UNITS,
        within=WEIGHTS_WITHIN_PERCENT,
    script:
        "../../scripts/plot_weights.py"


rule plot_comparison:
    input:
        comparison="results/{experiment}/tables/comparison.csv",
        checksums="results/{experiment}/tables/comparison.csv.sha256",
    output:
        report(
            "results/{experiment}/figures/comparison.svg",
            caption="../report/comparison_figure.rst",
            category="Figures",
            subcategory="all datasets",
            labels={"figure": "published and reproduced faults", "dataset": "all"},
        ),
    log:
        "results/logs/plot_comparison/{experiment}.log",
    benchmark:
        "results/benchmarks/plot_comparison/{experiment}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_comparison"),
    script:
        "../../scripts/plot_comparison.py"


rule plot_best:
    input:
        best="results/{experiment}/tables/best.csv",
        checksums="results/{experiment}/tables/best.csv.sha256",
    output:
        report(
            "results/{experiment}/figures/best.svg",
            caption="../report/best_figure.rst",
            category="Figures",
            subcategory="all datasets",
            labels={"figure": "published and our best accuracy", "dataset": "all"},
        ),
    log:
        "results/logs/plot_best/{experiment}.log",
    benchmark:
        "results/benchmarks/plot_best/{experiment}.tsv"
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("plot_best"),
    script:
        "../../scripts/plot_best.py"


rule render_summary:
    input:
        results="results/{experiment}/tables/results.csv",
        seeds="results/{experiment}/tables/seeds.csv",
        best="results/{experiment}/tables/best.csv",
        comparison=comparison_file(),
        checks="results/{experiment}/tables/gradient_checks.csv",
        checksums=checksum_files(),
        figures=figure_files(),
        runs=runs_of(),
        data=data_files(),
        gates=gates(),
        gradient_checks=gradient_checks(),
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
        # of all that the page shows of it, which is not where files come from or lie
        config=names_digest([config["shown"]]),
        order=names_digest(runs_of()),
        mistakes=MOST_MISTAKES,
        units=MOST_UNITS,
        within=WEIGHTS_WITHIN_PERCENT,
    script:
        "../../scripts/render_summary.py"
