"""The README.md of an archive."""

from handgrad.experiment.config import Experiment
from handgrad.layout.paths import dataset_names, figure_files, run_files, table_files


def readme(experiment: Experiment, revision: str) -> str:
    """Return the README.md of the archive of an experiment. revision: text on the git revision of the code."""
    return _TEXT.format(
        name=experiment.name,
        runs=len(run_files(experiment)),
        searches=_SEARCHES.format(name=experiment.name) if experiment.searches else "",
        datasets=", ".join(dataset_names(experiment)),
        tables=len(table_files(experiment)),
        figures=len(figure_files(experiment)),
        revision=revision,
    )


_SEARCHES = """\
| `results/{name}/search/` | for each search, results after each rung, rankings, and runs of the best settings |
"""

_TEXT = """\
# The experiment {name}

Run files: {runs}, on {datasets}; table files: {tables}; figures: {figures}. Packed by `handgrad archive`.
To see all results on one page, open `results/{name}/summary.html` in any browser.

| | |
|---|---|
| `results/{name}/` | tables, figures, the page |
| `results/runs/` | every run in HDF5: weights, history, predictions, parameters, versions |
{searches}| `results/checks/` | the gradient checks |
| `labels/` | for each dataset, the SHA-256 of its source files and the labels of its test images |
| `config/` | the experiment file as it was given, and with all defaults |
| `ro-crate-metadata.json` | for programs: a description of all files (Workflow Run RO-Crate) |
| `provenance.json` | the code, the installed packages, the times of the runs |
| `requirements.txt`, `workflow/envs/handgrad.yml` | packages to install with pip or conda |
| `workflow/Snakefile` | the main file of the workflow; its rules and scripts are in the git repository |

The archive does not contain the code. Its git revision: {revision}. If the revision is not known or
the code was changed, only the folder in which the experiment was run has this code.

## Is the archive complete?

The folder that contains `data/` is a BagIt bag. To validate it, use any BagIt tool, or run in this folder

    sha256sum -c manifest-sha256.txt tagmanifest-sha256.txt

## Do the tables agree with the runs?

With handgrad, in any clone with the same code (`provenance.json`):

    handgrad verify /path/to/{name}.tar.gz

It computes the `content_sha256` of every run from its arrays again, and every ranking and table from the runs.

Without handgrad, compare `test/predictions` in the file of a run with `test_labels` in `labels/<dataset>.json`. The
number of differences is the number of faults in `results/{name}/tables/results.csv`.

The `content_sha256` of a run is the SHA-256 of two parts:

1. The attributes of the file that are axes, and `status`, `train_examples` and `test_examples`. They are sorted by
   name, and each is written as `<name> <value as JSON>` and a line feed.
2. The arrays of the file except `history/seconds`. They are sorted by name, and each is written as
   `<name> <dtype> <shape>` and a line feed, followed by its bytes. dtype and shape are written as NumPy prints them
   (`<f4`, `(10, 201)`).

## Run it again

    git clone <handgrad> && cd handgrad && git checkout <the revision above>
    snakemake --cores 8 --configfile /path/to/{name}/data/config/experiment.yaml

If that file has a `local_dir`, it is a path on the original machine; change it. The published table, if the experiment
has one, is in the same folder. Runs are reproducible bit for bit (the same `content_sha256`) on the same CPU model,
NumPy and BLAS.
"""
