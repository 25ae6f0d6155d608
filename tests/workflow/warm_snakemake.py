"""A process that loads Snakemake once and forks for each call, because loading takes as long as a small plan.

Each line on stdin describes a call as JSON. The exit status is written to stdout. This process loads no code of the
project, so that each call loads the code of its own copy.
"""

import json
import os
import signal
import sys

# planning loads these too
import jsonschema  # noqa: F401
import pandas as pd  # noqa: F401
import requests  # noqa: F401
import snakemake.report  # noqa: F401
from snakemake.cli import get_argument_parser, main

get_argument_parser()  # loads the plugins


def call(folder: str, environment: dict[str, str], arguments: list[str], output: str, seconds: int) -> None:
    """Run snakemake in this process, in that folder; SIGALRM ends it after this many seconds."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for stream in (1, 2):
        os.dup2(os.open(output, os.O_WRONLY | os.O_APPEND), stream)
    signal.alarm(seconds)
    sys.path[0] = folder  # as `python -m snakemake` in that folder sets it
    sys.argv[1:] = arguments
    main()


for line in sys.stdin:
    child = os.fork()
    if child == 0:
        call(*json.loads(line))
    os.write(1, b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
