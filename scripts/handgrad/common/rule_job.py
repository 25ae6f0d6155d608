"""The context in which the scripts of rules run."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from handgrad.common.code_digests import require_code
from handgrad.common.logs import job_log
from handgrad.common.progress_file import ProgressFile


@contextmanager
def rule_job(rule: str, snakemake: Any) -> Iterator[ProgressFile]:
    """Start the log of a job, and yield its progress file.

    snakemake: the object of this name that Snakemake passes to scripts. Raises HandgradError if the code of the rule
    has changed since the job was planned.
    """
    with job_log(snakemake.log[0]) as progress:
        require_code(rule, snakemake.params.code)
        yield progress
