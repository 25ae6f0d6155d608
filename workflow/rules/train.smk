# One job a run. Its params are digests alone: the path holds every hyperparameter. It keeps a checkpoint in
# results/checkpoints/, which is no output, because Snakemake deletes the outputs of a job that starts or fails.


rule train_run:
    input:
        data="results/data/{dataset}.h5",
        gate=gate_of_run,
    output:
        "results/runs/{dataset}/{run}.h5",
    log:
        "results/logs/train_run/{dataset}/{run}.log",
    benchmark:
        "results/benchmarks/train_run/{dataset}/{run}.tsv"
    priority: run_priority
    conda:
        "../envs/handgrad.yml"
    threads: 1
    resources:
        mem_mb=run_memory,
        runtime=run_minutes,
    params:
        code=code_digest("train_run"),
        data=digest_of_data,
    script:
        "../../scripts/train_run.py"
