# From published files to results/data/<dataset>.h5


rule download_file:
    output:
        # kept while the job runs: a finished download is not fetched again because a rule has changed
        update("resources/{dataset}/{file}"),
    log:
        "results/logs/download_file/{dataset}/{file}.log",
    benchmark:
        "results/benchmarks/download_file/{dataset}/{file}.tsv"
    priority: FIRST
    localrule: True
    conda:
        "../envs/handgrad.yml"
    params:
        size=file_size,
        sha256=file_checksum,
        mirrors=mirrors,
    script:
        "../../scripts/download_file.py"


rule download:
    input:
        downloads(),
    localrule: True


rule preprocess_dataset:
    input:
        unpack(source_files),
    output:
        "results/data/{dataset}.h5",
    log:
        "results/logs/preprocess_dataset/{dataset}.log",
    benchmark:
        "results/benchmarks/preprocess_dataset/{dataset}.tsv"
    priority: FIRST
    conda:
        "../envs/handgrad.yml"
    resources:
        mem_mb=preprocess_memory,
    params:
        entry=entry_to_read,
        local_dir=local_folder,
        code=code_digest("preprocess_dataset"),
    script:
        "../../scripts/preprocess_dataset.py"
