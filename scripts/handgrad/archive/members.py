"""The members of an archive. It is a BagIt bag, ``<name>/``, in a .tar.gz; its payload ``data/`` is an RO-Crate.

ro-crate-metadata.json, README.md   descriptions for programs and for people
provenance.json                     git revision, packages, digests of the code, times of the runs
config/given.yaml                   the experiment file, byte for byte
config/experiment.yaml              the experiment file with all defaults
config/published.csv                the published table, if the experiment has one
labels/<dataset>.json               the description of a dataset and its test labels
requirements.txt, workflow/..., LICENSE   copies
results/...                         runs, searches, checks, tables, figures and pages, at their paths in the project
"""

from handgrad.experiment.config import Experiment
from handgrad.layout.paths import archived_outputs, dataset_names

FORMAT = 2
BAG_FILES = ("bag-info.txt", "bagit.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt")
CRATE, README, PROVENANCE = "ro-crate-metadata.json", "README.md", "provenance.json"
GIVEN, COMPLETE, PUBLISHED = "config/given.yaml", "config/experiment.yaml", "config/published.csv"
WORKFLOW = "workflow/Snakefile"
#: members that are copied from the project
COPIED = ("requirements.txt", "workflow/envs/handgrad.yml", "LICENSE", WORKFLOW)


def labels_name(dataset: str) -> str:
    """Return the path of the description of a dataset."""
    return f"labels/{dataset}.json"


def required_members(experiment: Experiment) -> set[str]:
    """Return the members that every archive of an experiment has. Snakemake's report is optional."""
    members = {CRATE, README, PROVENANCE, GIVEN, COMPLETE, *COPIED, *archived_outputs(experiment)}
    members.update(map(labels_name, dataset_names(experiment)))
    return members | ({PUBLISHED} if experiment.has_published_dataset else set())
