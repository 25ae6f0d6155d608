"""What an archive says of itself: its README.md."""

import re

from handgrad.experiment.config import Experiment
from handgrad.layout.paths import dataset_names, figure_files, run_files, table_files


def readme(experiment: Experiment, revision: str) -> str:
    """The README.md of an experiment's archive; revision: of the code, in words."""
    return _TEXT.format(
        name=experiment.name,
        runs=len(run_files(experiment)),
        datasets=", ".join(dataset_names(experiment)),
        tables=len(table_files(experiment)),
        figures=len(figure_files(experiment)),
        revision=revision,
        get_the_code=_COMMITTED if is_committed(revision) else _NOT_COMMITTED,
    )


def is_committed(revision: str) -> bool:
    """Whether others can get the code of a git revision, as ``git_revision`` tells it."""
    return re.fullmatch("[0-9a-f]{40,64}", revision) is not None


_COMMITTED = """\
    git clone <handgrad> && cd handgrad && git checkout <the revision above>"""
_NOT_COMMITTED = """\
That takes the very code that it was made with, which no git revision has (see above) and which is not in
here. In the folder of that code:
"""


_TEXT = """\
# The experiment {name}

Runs: {runs}, on {datasets}; files of tables: {tables}; figures: {figures}. Packed by handgrad's
`make archive`. `results/{name}/summary.html` shows all of it on one page, in any browser.

| | |
|---|---|
| `results/{name}/` | tables, figures, the page |
| `results/runs/` | every run as HDF5: weights, history, predictions, parameters, versions |
| `results/checks/` | the gradient checks |
| `data/` | of each dataset, the SHA-256 of its source files, and the labels of its test images |
| `config/` | the experiment file as it was given, and with all that it leaves out |
| `provenance.json` | the code, and the packages that were installed |
| `requirements.txt`, `environment.yml` | what to install |

The code is that of git revision: {revision}.

## Is it whole?

    sha256sum -c SHA256SUMS

## Do the tables say what the runs say?

With handgrad, in any clone with the same code (`provenance.json`):

    make verify ARCHIVE=/path/to/{name}.tar.gz

It makes every table again from the runs, and the `content_sha256` of every run from its arrays.

Without handgrad: the faults of a run in `results/{name}/tables/results.csv` are the places where
`test/predictions` of its file and `test_labels` of `data/<dataset>.json` differ. Its `content_sha256` is the
SHA-256 over two parts. First its attributes that are axes, `status`, `train_examples` and `test_examples`, in
the order of their names: for each `<name> <value as JSON>` and a line feed. Then its arrays but
`history/seconds`, in the order of their names: for each `<name> <dtype> <shape>` and a line feed, with dtype
and shape as NumPy writes them (`<f4`, `(10, 201)`), then its bytes.

## Run it again

{get_the_code}
    snakemake --cores 8 --configfile /path/to/{name}/config/experiment.yaml

A `local_dir` in that file is a path on the machine where it ran; the published table, where there is one, is
beside the file. A run has the same `content_sha256` on the same CPU model, NumPy and BLAS.
"""
