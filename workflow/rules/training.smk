# One job a run. It keeps a checkpoint in results/checkpoints/, which is no output, because Snakemake deletes the outputs of
# a job that starts or fails.


rule train_run:
    input:
        data=paths.DATA,
        gate=gate_of_run,
    output:
        paths.RUN,
    log:
        jobs.log("train_run"),
    benchmark:
        jobs.benchmark("train_run")
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
        checkpoints=paths.CHECKPOINTS,
        # how often a run is saved changes nothing about it
        checkpoint_seconds=Untracked(EXPERIMENT.checkpoint_seconds),
    script:
        "../../scripts/train_run.py"
