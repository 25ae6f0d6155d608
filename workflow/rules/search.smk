# Successive halving: all candidates train until the first rung, and only the best go on after each ranking. The slots of a
# rung are known before it is ranked, so the whole DAG is static. Which run a slot trains is in the ranking before it.


rule train_candidate:
    input:
        data=paths.DATA,
        gate=gate_of_run,
    output:
        paths.CANDIDATE,
    log:
        jobs.log("train_candidate"),
    benchmark:
        jobs.benchmark("train_candidate")
    priority: run_priority
    conda:
        "../envs/handgrad.yml"
    threads: 1
    resources:
        mem_mb=run_memory,
        runtime=run_minutes,
    params:
        code=code_digest("train_candidate"),
        training=code_digest("train_run"),
        data=digest_of_data,
        run=axes_of_run,
        until=epochs_of_rung,
        checkpoints=stored(paths.CHECKPOINTS),
        # untracked: the interval does not change the result
        checkpoint_seconds=Untracked(EXPERIMENT.checkpoint_seconds),
    script:
        "../../scripts/train_candidate.py"


rule rank_candidates:
    input:
        unpack(ranked_files),
    output:
        paths.RANKING,
    log:
        jobs.log("rank_candidates"),
    benchmark:
        jobs.benchmark("rank_candidates")
    priority: FIRST
    # on a cluster, all slots of the next rung wait for this short job
    localrule: True
    conda:
        "../envs/handgrad.yml"
    params:
        code=code_digest("rank_candidates"),
        training=code_digest("train_run"),
        data=digest_of_data,
        order=order_of_ranked,
        seeds=seeds_of_search,
        until=epochs_of_rung,
        promoted=promoted_settings,
    script:
        "../../scripts/rank_candidates.py"


rule promote_candidate:
    input:
        data=paths.DATA,
        gates=gates_of_search,
        ranking=ranking_before,
    output:
        paths.PROMOTED,
    log:
        jobs.log("promote_candidate"),
    benchmark:
        jobs.benchmark("promote_candidate")
    priority: slot_priority
    conda:
        "../envs/handgrad.yml"
    threads: 1
    resources:
        mem_mb=slot_memory,
        runtime=slot_minutes,
    params:
        code=code_digest("promote_candidate"),
        training=code_digest("train_run"),
        data=digest_of_data,
        activations=activations_of_search,
        ranked=rung_before,
        until=epochs_of_rung,
        checkpoints=stored(paths.CHECKPOINTS),
        # untracked: the interval does not change the result
        checkpoint_seconds=Untracked(EXPERIMENT.checkpoint_seconds),
    script:
        "../../scripts/promote_candidate.py"


rule finish_candidate:
    input:
        data=paths.DATA,
        gates=gates_of_search,
        ranking=ranking_before,
    output:
        paths.FINISHED,
    log:
        jobs.log("finish_candidate"),
    benchmark:
        jobs.benchmark("finish_candidate")
    priority: slot_priority
    conda:
        "../envs/handgrad.yml"
    threads: 1
    resources:
        mem_mb=slot_memory,
        runtime=slot_minutes,
    params:
        code=code_digest("finish_candidate"),
        training=code_digest("train_run"),
        data=digest_of_data,
        activations=activations_of_search,
        ranked=rung_before,
        checkpoints=stored(paths.CHECKPOINTS),
        # untracked: the interval does not change the result
        checkpoint_seconds=Untracked(EXPERIMENT.checkpoint_seconds),
    script:
        "../../scripts/finish_candidate.py"
