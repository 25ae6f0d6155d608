# Two rules, one check: the gate that training waits for, and the check that the report shows.


rule check_gate:
    input:
        data="results/data/{dataset}.h5",
    output:
        "results/checks/gate/{dataset}_{activation}.json",
    log:
        "results/logs/check_gate/{dataset}_{activation}.log",
    benchmark:
        "results/benchmarks/check_gate/{dataset}_{activation}.tsv"
    priority: FIRST
    conda:
        "../envs/handgrad.yml"
    resources:
        mem_mb=check_memory,
    params:
        code=code_digest("check_gate"),
        data=digest_of_data,
        failed="results/checks/failed/check_gate/{dataset}_{activation}.json",
    script:
        "../../scripts/check_gate.py"


rule check_gradients:
    input:
        data="results/data/{dataset}.h5",
    output:
        "results/checks/gradients/{dataset}_{activation}_{settings}.json",
    log:
        "results/logs/check_gradients/{dataset}_{activation}_{settings}.log",
    benchmark:
        "results/benchmarks/check_gradients/{dataset}_{activation}_{settings}.tsv"
    conda:
        "../envs/handgrad.yml"
    resources:
        mem_mb=check_memory,
    params:
        code=code_digest("check_gradients"),
        data=digest_of_data,
        failed="results/checks/failed/check_gradients/{dataset}_{activation}_{settings}.json",
        hidden_units=EXPERIMENT.gradient_check.hidden_units,
        examples=EXPERIMENT.gradient_check.examples,
        pixels=EXPERIMENT.gradient_check.pixels,
        epsilon=EXPERIMENT.gradient_check.epsilon,
    script:
        "../../scripts/check_gradients.py"
