"""The page of an experiment: what it says, and that nothing in it can break it."""

import base64
import itertools
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from jinja2 import UndefinedError

from factories import RUN, image_data, summary, trained
from handgrad.common.code_digests import closure, code_digest
from handgrad.common.errors import HandgradError
from handgrad.common.hashing import file_sha256
from handgrad.datasets.data import open_data, write_data
from handgrad.experiment.config import Experiment, load_experiment
from handgrad.experiment.config_schema import config_schema
from handgrad.experiment.experiment_file import read_experiment
from handgrad.experiment.runs import AXES, run_table
from handgrad.gradient_check.files import write_check
from handgrad.network.activations import ACTIVATIONS
from handgrad.network.model import INITS
from handgrad.page.benchmarks import rule_costs
from handgrad.page.captions import caption_html, rst_html
from handgrad.page.content import Contents, summary_page
from handgrad.page.context import caption_context
from handgrad.page.methods import (
    AXES_IN_WORDS,
    INITS_IN_WORDS,
    PIXELS_IN_WORDS,
    SCHEDULES_IN_WORDS,
    STEPS_IN_WORDS,
    experiment_in_words,
    shown_config,
)
from handgrad.plots.figure_files import seal_figure
from handgrad.storage.provenance import Machine, Source, git_revision, machines, source
from handgrad.storage.run_reader import Summary
from handgrad.storage.run_writer import write_run
from handgrad.tables.best import best_table
from handgrad.tables.gradient_checks import checks_table
from handgrad.tables.made import MadeTable, write_made_table
from handgrad.tables.results import results_table
from handgrad.tables.seeds import seeds_table
from handgrad.tables.significance import with_statistics
from handgrad.tables.table import rows_of
from render_summary import COLUMNS, read_segments, read_sources, read_tables, require_checks

ROOT = Path(__file__).parents[2]


def load(text: str) -> Experiment:
    """The experiment of an experiment file, with the project's registry."""
    registry = yaml.safe_load((ROOT / "config/datasets.yaml").read_text())
    return load_experiment({**registry, **yaml.safe_load(text)})


MOMENTUM = """
name: mine
experiments:
  - {dataset: mnist, activation: [tanh, cos], hidden_units: [100, 200, 300], learning_rate: 0.1, l2: 0.03,
     pixels: standardize, batch_gradient: mean, momentum: 0.9, schedule: cosine, init: scaled,
     validation_size: 5000}
"""

# --- in words ---


def test_the_words_hold_the_numbers_of_the_config() -> None:
    experiment = load(MOMENTUM)
    (words,) = experiment_in_words(experiment.blocks, experiment.datasets)
    for told in (
        "6 runs on ``mnist`` (images of 28 x 28 pixel values, 10 classes)",
        "all combinations of activation tanh, cos; hidden units M 100, 200, 300.",
        "on 55,000 of 60,000 training images for 20 epochs in batches of 100",
        "learning rate η = 0.1, λ = 0.03, seed = 0",
        "tested on 10,000 other images",
        "5,000 training images are held out to choose by",
        "u = x/255 enter as (u - mean)/(std + 0.1)",
        "V ← µ V + g/B, W ← W + η V, with µ = 0.9",
        "η falls to 0 along half a cosine",
        "a phase, uniform in [-π, π]",
        "float32",
    ):
        assert told in words


def test_each_block_and_dataset_has_words_and_repeated_values_count_once() -> None:
    experiment = load("experiments: [{dataset: [mnist, cifar10], seed: [1, 1, 2]}, {dataset: digits}]")
    words = experiment_in_words(experiment.blocks, experiment.datasets)
    assert [re.search(r"(\d+) runs? on ``(\w+)``", told).groups() for told in words] == [  # type: ignore[union-attr]
        ("2", "mnist"),
        ("2", "cifar10"),
        ("1", "digits"),
    ]


@pytest.mark.parametrize("name", ["config", "quick", "reproduction", "improved"])
def test_the_words_on_every_shipped_experiment_count_its_runs(name: str) -> None:
    _, experiment = read_experiment(ROOT / f"config/{name}.yaml")
    words = experiment_in_words(experiment.blocks, experiment.datasets)
    counts = [int(told.split(" run")[0].replace(",", "")) for told in words]
    assert sum(counts) == len(experiment.runs)


def test_every_axis_and_every_value_of_one_has_words() -> None:
    assert {"dataset", *AXES_IN_WORDS} == set(AXES)
    axes = config_schema()["properties"]["experiments"]["items"]["properties"]
    values = {axis: axes[axis]["anyOf"][0]["enum"] for axis in ("pixels", "batch_gradient", "schedule")}
    assert list(PIXELS_IN_WORDS) == values["pixels"]
    assert set(STEPS_IN_WORDS) == set(itertools.product(values["batch_gradient"], (False, True)))
    assert list(SCHEDULES_IN_WORDS) == values["schedule"]
    assert set(INITS_IN_WORDS) == set(INITS)
    for name, h in ACTIVATIONS.items():
        if h.periodic:
            told = f"for {name} s = {h.spread:g} and a phase"
        elif (h.spread, h.bias) == (1, 0):
            told = "s = 1 and b = 0, but"
        else:
            told = f"s = {h.spread:g} and b = {h.bias:g} for {name}"
        assert told in INITS_IN_WORDS["scaled"]


def test_the_shown_config_makes_the_same_runs_and_hides_local_folders() -> None:
    text = MOMENTUM + "datasets: {mnist: {local_dir: /home/me/secret}}\n"
    registry = yaml.safe_load((ROOT / "config/datasets.yaml").read_text())["datasets"]
    config = yaml.safe_load(text)
    config["datasets"] = {**registry, "mnist": {**registry["mnist"], **config["datasets"]["mnist"]}}
    experiment = replace(load(MOMENTUM), datasets=config["datasets"])
    shown = shown_config(experiment)
    assert all(hidden not in shown for hidden in ("secret", "mirrors", "cifar10"))
    assert run_table(yaml.safe_load(shown)["experiments"]) == experiment.runs


# --- captions ---


def test_a_caption_that_wants_what_it_was_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        caption_html("accuracy", {"experiment": "mine"})


def test_captions_include_no_file_and_no_raw_html() -> None:
    for text in (".. include:: /etc/hostname", ".. raw:: html\n\n   <script>alert(1)</script>"):
        with pytest.raises(Exception, match="disabled"):
            rst_html(text)
    assert "&lt;b&gt;" in rst_html("``<b>``")


# --- costs ---


def write_benchmark(path: Path, *rows: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    head = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
    path.write_text(head + "".join(f"{row}\n" for row in rows))


def test_the_costs_of_a_rule_are_those_of_this_experiments_jobs(tmp_path: Path) -> None:
    line = "{}\t0:00:01\t{}\t1\t1\t1\t0\t0\t9\t{}"
    write_benchmark(tmp_path / "train_run/mnist/a.tsv", line.format(2, 100.5, 1.5))
    write_benchmark(tmp_path / "train_run/mnist/b.tsv", line.format(5, 90, 4))
    write_benchmark(tmp_path / "train_run/mnist/of_another.tsv", line.format(1000, 9999, 1000))
    write_benchmark(tmp_path / "preprocess_dataset/mnist.tsv", line.format(9, "NA", "-"))
    write_benchmark(tmp_path / "plot_cost/mine/mnist.tsv", line.format(1, 0.5, "0.00"))
    write_benchmark(tmp_path / "aggregate_best/mnist.tsv", line.format(3, 1, 1))  # of another experiment
    jobs = {
        "plot_cost": ["mine/mnist"],
        "preprocess_dataset": ["mnist"],
        "train_run": ["mnist/a", "mnist/b", "mnist/never_run", "mnist/a"],
        "aggregate_best": ["mine"],
    }
    dear, cheap, short = rows_of(rule_costs(tmp_path, jobs))
    assert (dear["rule"], dear["total_seconds"]) == ("preprocess_dataset", 9)
    assert (short["rule"], short["total_seconds"]) == ("plot_cost", 1)
    assert np.isnan([dear["memory_mb"], short["memory_mb"]]).all()
    assert cheap == {
        "rule": "train_run",
        "jobs": 2,
        "total_seconds": 7,
        "median_seconds": 3.5,
        "longest_seconds": 5,
        "memory_mb": 100.5,
    }


@pytest.mark.parametrize("content", ["", "s\tmax_rss\n", "not a benchmark\n1\n"])
def test_a_benchmark_that_says_nothing_is_no_job(content: str, tmp_path: Path) -> None:
    (tmp_path / "train_run").mkdir()
    (tmp_path / "train_run/mine.tsv").write_text(content)
    assert rule_costs(tmp_path, {"train_run": ["mine"]}).empty
    assert rule_costs(tmp_path / "absent", {"train_run": ["mine"]}).empty


# --- provenance ---


def segment(**values: Any) -> dict[str, Any]:
    return {"host": "h", "cpu": "A", "python": "3.11.7", "numpy": "2.4.6", "blas": "openblas, mkl", **values}


def test_machines_count_the_runs_that_they_had_a_part_in() -> None:
    runs = [
        [segment(), segment(host="other", blas="mkl, openblas")],
        [segment(cpu="B"), segment()],
        [segment(numpy="2.5.0")],
    ]
    same = ("3.11.7", "2.4.6", "mkl, openblas")
    assert machines(runs) == [
        Machine("A", *same, 2),
        Machine("B", *same, 1),
        Machine("A", "3.11.7", "2.5.0", "mkl, openblas", 1),
    ]


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_revision_says_whether_it_is_known_and_committed(tmp_path: Path) -> None:
    assert git_revision(tmp_path).startswith("not known: git says 'fatal: not a git repository")
    git(tmp_path, "init", "--quiet")
    (tmp_path / "file").write_text("a")
    (tmp_path / "results").mkdir()
    (tmp_path / "results/README.md").write_text("tracked, but no code")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "a")
    (tmp_path / "copied").mkdir()  # what is not tracked is no change of the code
    revision = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "results/README.md").rename(tmp_path / "untracked")
    assert git_revision(tmp_path) == revision
    (tmp_path / "file").write_text("b")
    assert git_revision(tmp_path) == f"{revision}, with changes that are not committed"
    assert git_revision(tmp_path / "copied") == "not known: the workflow is no git checkout of its own"


def test_a_source_has_the_checksums_of_its_files(tmp_path: Path) -> None:
    write_data(tmp_path / "mine.h5", image_data(3, 4, digest="digest"))
    with open_data(tmp_path / "mine.h5", "digest") as stored:
        found = source(stored)
    assert (found.dataset, found.train, found.test, found.files) == ("mine", 3, 4, (("images.gz", "beef"),))


def test_a_changed_template_or_caption_makes_the_page_again() -> None:
    patterns = [pattern for module in closure("render_summary").values() for pattern in module.assets]
    covered = {path for pattern in patterns for path in ROOT.glob(pattern)}
    files = [*(ROOT / "scripts/handgrad/page/assets").iterdir(), *(ROOT / "workflow/report").glob("*.rst")]
    assert covered >= set(files)


# --- the page ---


def summaries(count: int = 1, *, diverged: bool = False, **axes: Any) -> list[Summary]:
    faults = [None if diverged else 272 + i % 50 for i in range(count)]
    return [summary(one, validation_faults=1, seed=i, dataset="mnist", **axes) for i, one in enumerate(faults)]


def right(row: Any) -> Any:
    return np.arange(10000) >= row["faults"]


@pytest.fixture
def contents(tmp_path: Path) -> Callable[..., Contents]:
    """What a page shows of some runs; other fields by name."""

    def make(runs: list[Summary], **values: Any) -> Contents:
        results = with_statistics(results_table(runs), right)
        experiment = load("experiments: [{dataset: mnist}]")
        text = shown_config(experiment)
        figure = tmp_path / "figures/accuracy/mnist.svg"
        figure.parent.mkdir(parents=True, exist_ok=True)
        figure.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
        seal_figure(figure)
        given = {
            "contexts": {name: caption_context(experiment, name) for name in (None, "mnist")},
            "config": yaml.safe_load(text),
            "config_text": text,
            "results": results,
            "seeds": seeds_table(results),
            "best": best_table(seeds_table(results), None),
            "checks": checks_table([]),
            "comparison": None,
            "figures": [str(figure)],
            "costs": rule_costs(tmp_path, {}),
            "machines": [Machine("A", "3.11.7", "2.4.6", "openblas", 1)],
            "sources": [],
            "facts": {"revision": "beef"},
        }
        return Contents(**{**given, **values})

    return make


def test_the_page_needs_nothing_from_elsewhere(contents: Callable[..., Contents]) -> None:
    page = summary_page(contents(summaries(3)))
    outside = re.findall(r"""(?:src|href|action|data)\s*=\s*["']([^"']*)""", page)
    assert outside
    assert all(target.startswith(("#", "data:")) for target in outside)
    assert not re.search(r"@import|url\(", page)
    (image,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    assert base64.b64decode(image).startswith(b"<svg")


@pytest.mark.parametrize(
    ("diverged", "lines"),
    [
        (False, ["3 runs, none diverged.", "mnist: 97.27% ours ", "Our best setting ", "0 of 0 gradient checks"]),
        (True, ["3 runs, 3 diverged.", "mnist: all of ours diverged ", "0 of 0 gradient checks"]),
    ],
)
def test_the_page_begins_with_what_came_out(
    contents: Callable[..., Contents], diverged: bool, lines: list[str]
) -> None:
    page = summary_page(contents(summaries(3, diverged=diverged)))
    lead = re.findall(r"<li>(.*)</li>", page.split("<nav")[0])
    assert [line.startswith(expected) for line, expected in zip(lead, lines, strict=True)] == [True] * len(lines)


def test_what_is_strange_about_data_stands_at_the_head_and_with_results(
    contents: Callable[..., Contents],
) -> None:
    strange = Source("mnist", 3, 3, "digest", (), ("all 3 test images are of class 0 ('<i>')",))
    page = summary_page(contents(summaries(1), sources=[strange]))
    escaped = "mnist: all 3 test images are of class 0 (&#39;&lt;i&gt;&#39;)."
    assert page.split("<nav")[0].count(escaped) == 1
    for section in ("results", "figures-mnist"):
        (part,) = re.findall(rf'<section id="{section}">(.*?)</section>', page, re.S)
        assert escaped in part.split("<table")[0].split("<figure")[0]


def test_one_run_has_no_part_on_seeds(contents: Callable[..., Contents]) -> None:
    assert 'id="seeds"' not in summary_page(contents(summaries(1)))
    assert 'id="seeds"' in summary_page(contents(summaries(2)))


def test_markup_in_texts_is_shown_as_it_is(contents: Callable[..., Contents]) -> None:
    awkward = "<script>alert(1)</script>{{ 1 }}$x_1$&"
    page = summary_page(
        contents(
            summaries(1, activation=awkward),
            config_text=awkward,
            facts={awkward: awkward},
            machines=[Machine(awkward, awkward, awkward, awkward, 1)],
        )
    )
    shown = "&lt;script&gt;alert(1)&lt;/script&gt;{{ 1 }}$x_1$&amp;"
    assert awkward not in page
    assert page.count(shown) > 8


def test_five_thousand_runs_make_a_page_of_a_few_megabytes(contents: Callable[..., Contents]) -> None:
    rates = [summaries(1, learning_rate=i / 1e6)[0] for i in range(1, 5001)]
    page = summary_page(contents(rates))
    assert page.count("<tr") > 5000
    assert len(page) < 5_000_000


# --- what the page is made from ---


def read_run(path: str, table: MadeTable) -> None:
    digests = {"code_digest": "code", "data_digest": "data", "data_content": "content"}
    write_run(path, trained(), [], **digests)
    read_segments([path], "code", {"digits": "data"}, {"digits": "content"}, table)


def read_data(path: str, table: MadeTable) -> None:
    write_data(path, image_data())
    read_sources([path], {"digits": "data"}, table)


def read_checks(path: str, table: MadeTable) -> None:
    about = {"dataset": "digits", "data_digest": "data", "data_content": "content", "passed": True}
    write_check(path, about | {"code_digest": code_digest("check_gradients")})
    require_checks([], [path], {"digits": "data"}, {"digits": "content"}, table)


@pytest.mark.parametrize(
    ("name", "read"), [(f"digits/{RUN.name}.h5", read_run), ("digits.h5", read_data), ("check.json", read_checks)]
)
def test_the_page_refuses_a_table_made_from_another_file(
    tmp_path: Path, name: str, read: Callable[[str, MadeTable], None]
) -> None:
    table = MadeTable(tmp_path / "results.csv", pd.DataFrame(), "", {name: "a" * 64})
    with pytest.raises(HandgradError, match=rf"^{table.path}: was made from another {tmp_path / name} than is there"):
        read(str(tmp_path / name), table)


@pytest.mark.parametrize(("name", "source"), [("seeds", "results"), ("best", "seeds"), ("comparison", "seeds")])
def test_the_page_refuses_a_table_made_from_another_table(tmp_path: Path, name: str, source: str) -> None:
    files = {table: str(tmp_path / f"{table}.csv") for table in COLUMNS}

    def write(table: str, *made_from: str) -> None:
        sums = {files[one]: file_sha256(files[one]) for one in made_from}
        write_made_table(files[table], pd.DataFrame(columns=COLUMNS[table]), made_from=sums)

    for table, made_from in (("results", ()), ("gradient_checks", ()), ("seeds", ["results"])):
        write(table, *made_from)
    write("best", "seeds")
    write("comparison", "seeds")
    read_tables(files)
    write_made_table(files[name], pd.DataFrame(columns=COLUMNS[name]), made_from={files[source]: "a" * 64})
    with pytest.raises(HandgradError, match=rf"^{files[name]}: was made from another {files[source]} than is there"):
        read_tables(files)
