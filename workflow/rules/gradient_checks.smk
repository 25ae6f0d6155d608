# Two rules for the same check: the gate must pass before training, and the report shows the gradient check.


rule check_gate:
    input:
        data=paths.DATA,
    output:
        paths.GATE,
    log:
        jobs.log("check_gate"),
    benchmark:
        jobs.benchmark("check_gate")
    priority: FIRST
    conda:
        "../envs/handgrad.yml"
    resources:
        mem_mb=check_memory,
    params:
        code=code_digest("check_gate"),
        data=digest_of_data,
        failed=stored(jobs.failed_check("check_gate")),
    script:
        "../../scripts/check_gate.py"


rule check_gradients:
    input:
        data=paths.DATA,
    output:
        paths.GRADIENT_CHECK,
    log:
        jobs.log("check_gradients"),
    benchmark:
        jobs.benchmark("check_gradients")
    conda:
        "../envs/handgrad.yml"
    resources:
        mem_mb=check_memory,
    params:
        code=code_digest("check_gradients"),
        data=digest_of_data,
        failed=stored(jobs.failed_check("check_gradients")),
        hidden_units=EXPERIMENT.gradient_check.hidden_units,
        examples=EXPERIMENT.gradient_check.examples,
        pixels=EXPERIMENT.gradient_check.pixels,
        epsilon=EXPERIMENT.gradient_check.epsilon,
    script:
        "../../scripts/check_gradients.py"
