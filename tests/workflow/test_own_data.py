"""The user's own files become a page, with no line of YAML written by hand."""

from pathlib import Path

import pytest
import yaml

from .conftest import Project
from .own_data import write_own_data


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "figures"),
    [
        (["wines.csv", "--label", "cultivar"], {"learning_curves", "confusion", "weights"}),
        (["photos.zip", "--size", "8x8"], {"learning_curves", "confusion", "weights", "mistakes"}),
    ],
    ids=["table", "images"],
)
def test_data_add_leads_to_a_finished_page(project: Project, arguments: list[str], figures: set[str]) -> None:
    write_own_data(project.path)
    assert project.handgrad("data", "add", *arguments).returncode == 0
    name = Path(arguments[0]).stem
    config = yaml.safe_load((project.path / f"{name}.yaml").read_text())
    small = {"activation": "tanh", "hidden_units": 5, "learning_rate": 0.03, "l2": 0.01, "epochs": 2}
    config["experiments"][0].update(small)
    config["gradient_check"] = {"hidden_units": 3, "examples": 2}
    (project.path / "small.yaml").write_text(yaml.safe_dump(config))
    done = project.snakemake("--configfile", "small.yaml")
    assert done.returncode == 0, done.stdout
    page = (project.path / f"results/{name}/summary.html").read_text(encoding="utf-8")
    assert all(label in page for label in config["datasets"][name]["class_names"])
    assert {path.name for path in (project.path / f"results/{name}/figures").iterdir()} >= figures
