# The main process does this before its first job: checks, settings, and the live display. Jobs skip it.
# Each job parses this file, so the blocks import only what they need.


if workflow.is_main_process:
    from handgrad.layout.main_process import prepare_main_process

    with one_line_errors():
        files = [*paths.data_files(EXPERIMENT), *paths.final_outputs(EXPERIMENT)]
        prepare_main_process(sys.argv, dry=workflow.output_settings.dryrun, files=files)
    # jobs on this machine start only if enough memory is free; --resources mem_mb=... takes precedence
    if not IS_MODULE and workflow.local_exec and "mem_mb" not in workflow.global_resources:
        workflow.register_resource("mem_mb", int(memory.SHARE * memory.machine_megabytes()))


# Snakemake runs this hook only in the main process
onstart:
    from handgrad.layout.main_process import date_now
    from handgrad.monitor.events import follow

    stores = workflow.storage_settings.default_storage_provider is not None
    if stores:
        # profiles/slurm keeps incomplete outputs, but its submit command cannot remove earlier outputs from storage, so
        # those of a refused job would count as new
        workflow.execution_settings.keep_incomplete = False
    logs = {log_path(job) for job in workflow.dag.needrun_jobs() if job.log}
    if workflow.local_exec:
        to_train = jobs.runs_of(job for job in jobs.jobs_of(EXPERIMENT) if str(job.log) in logs)
        if line := memory.too_large(to_train, EXPERIMENT.datasets):
            raise WorkflowError(line)
    # outputs of all jobs, not only of those to do, so that no output becomes older than its inputs
    with one_line_errors():
        dated = date_now({str(path) for job in workflow.dag.jobs for path in job.output})
    if dated:
        logger.warning(
            f"{dated[0]}: dated in the future, now set to the current time (files in total: {len(dated)})"
        )
    # Snakemake keeps its default limit of 100 new jobs a second with one timer for each finished job. Each timer makes it
    # check all waiting jobs again, every second. With many short runs, that would take more time than the runs.
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if workflow.local_exec and limit and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None
    quiet = {"ALL", "PROGRESS"}.intersection(choice.name for choice in workflow.output_settings.quiet or ())
    if not quiet and not stores:  # progress files of jobs are not in storage
        follow(logger, logs, EXPERIMENT, workflow.cores if workflow.local_exec else None)
