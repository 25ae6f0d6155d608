# Download published files and convert them to results/data/<dataset>.h5.


rule download_file:
    output:
        # update() keeps an existing file when the job starts, so a changed rule does not download it again
        update(paths.DOWNLOAD),
    log:
        jobs.log("download_file"),
    benchmark:
        jobs.benchmark("download_file")
    priority: FIRST
    localrule: True
    conda:
        "../envs/handgrad.yml"
    params:
        file=file_to_download,
    script:
        "../../scripts/download_file.py"


rule download:
    input:
        [[*jobs.downloads(EXPERIMENT, dataset).values()] for dataset in paths.dataset_names(EXPERIMENT)],
    localrule: True


rule preprocess_dataset:
    input:
        unpack(source_files),
    output:
        paths.DATA,
    log:
        jobs.log("preprocess_dataset"),
    benchmark:
        jobs.benchmark("preprocess_dataset")
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
