# One job a run. It keeps a checkpoint in results/checkpoints/, which is no output, because Snakemake deletes the outputs of
# a job that starts or fails.


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
        run=axes_of_run,
        checkpoints="results/checkpoints",
        # how often a run is saved changes nothing about it
        checkpoint_seconds=Untracked(EXPERIMENT.checkpoint_seconds),
    script:
        "../../scripts/train_run.py"
