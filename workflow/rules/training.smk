# Train each run in one job. The job saves checkpoints in results/checkpoints/. A checkpoint is not an output, because
# Snakemake deletes the outputs of a job that starts or fails.


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
        checkpoints=stored(paths.CHECKPOINTS),
        # untracked: the interval does not change the result
        checkpoint_seconds=Untracked(EXPERIMENT.checkpoint_seconds),
    script:
        "../../scripts/train_run.py"
