"""The README.md of an archive."""

from handgrad.experiment.config import Experiment
from handgrad.layout.paths import dataset_names, figure_files, table_files


def readme(experiment: Experiment, revision: str) -> str:
    """Return the README.md of an experiment's archive; revision: of the code, in words."""
    return _TEXT.format(
        name=experiment.name,
        runs=len(experiment.runs),
        datasets=", ".join(dataset_names(experiment)),
        tables=len(table_files(experiment)),
        figures=len(figure_files(experiment)),
        revision=revision,
    )


_TEXT = """\
# The experiment {name}

Runs: {runs}, on {datasets}; files of tables: {tables}; figures: {figures}. Packed by `handgrad archive`.
`results/{name}/summary.html` shows everything on one page, in any browser.

| | |
|---|---|
| `results/{name}/` | tables, figures, the page |
| `results/runs/` | every run as HDF5: weights, history, predictions, parameters, versions |
| `results/checks/` | the gradient checks |
| `labels/` | of each dataset, the SHA-256 of its source files, and the labels of its test images |
| `config/` | the experiment file as it was given, and with all defaults |
| `ro-crate-metadata.json` | a description of all files, for programs: Workflow Run RO-Crate |
| `provenance.json` | the code, the packages that were installed, when the runs were computed |
| `requirements.txt`, `workflow/envs/handgrad.yml` | what to install, with pip or conda |
| `workflow/Snakefile` | the entry of the workflow; its rules and scripts are in the git repository |

The code is that of git revision: {revision}. It is not in this archive. If the revision is not
known or the code was changed, only the folder in which the experiment was run has it.

## Is the archive complete?

The folder that holds `data/` is a BagIt bag. There, any tool for bags validates it, and so does

    sha256sum -c manifest-sha256.txt tagmanifest-sha256.txt

## Do the tables agree with the runs?

With handgrad, in any clone with the same code (`provenance.json`):

    handgrad verify /path/to/{name}.tar.gz

It makes every table again from the runs, and the `content_sha256` of every run from its arrays.

Without handgrad: the faults of a run in `results/{name}/tables/results.csv` are the places where
`test/predictions` of its file and `test_labels` of `labels/<dataset>.json` differ. Its `content_sha256` is the
SHA-256 over two parts. First its attributes that are axes, `status`, `train_examples` and `test_examples`, in
the order of their names: for each `<name> <value as JSON>` and a line feed. Then its arrays except
`history/seconds`, in the order of their names: for each `<name> <dtype> <shape>` and a line feed, with dtype
and shape as NumPy writes them (`<f4`, `(10, 201)`), then its bytes.

## Run it again

    git clone <handgrad> && cd handgrad && git checkout <the revision above>
    snakemake --cores 8 --configfile /path/to/{name}/data/config/experiment.yaml

A `local_dir` in that file is a path on the machine where it ran; the published table, if there is one, is in the
same folder. A run has the same `content_sha256` on the same CPU model, NumPy and BLAS.
"""
