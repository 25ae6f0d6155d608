"""Snakemake, loaded once for many calls: a process that forks for each line on stdin, which says what to call.

Loading takes as long as planning a small experiment. Nothing of this project is loaded here: each call loads its own
copy.
"""

import json
import os
import signal
import sys

# what planning loads besides
import jsonschema  # noqa: F401
import pandas as pd  # noqa: F401
import requests  # noqa: F401
import snakemake.report  # noqa: F401
from snakemake.cli import get_argument_parser, main

get_argument_parser()  # finds the plugins


def call(folder: str, environment: dict[str, str], arguments: list[str], said: str, seconds: int) -> None:
    """Become a snakemake in that folder, which ends after so many seconds at the latest."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for stream in (1, 2):
        os.dup2(os.open(said, os.O_WRONLY | os.O_APPEND), stream)
    signal.alarm(seconds)
    sys.path[0] = folder  # as `python -m snakemake` there would have it
    sys.argv[1:] = arguments
    main()


for line in sys.stdin:
    child = os.fork()
    if child == 0:
        call(*json.loads(line))
    os.write(1, b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
