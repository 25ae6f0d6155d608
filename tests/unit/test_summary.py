"""The content of the page of an experiment, which no text in it can break."""

import base64
import gzip
import hashlib
import itertools
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from factories import RUN, USE, image_data, published, summary, trained
from handgrad.common.code_digests import code_digest
from handgrad.common.errors import HandgradError
from handgrad.common.hashing import file_sha256
from handgrad.common.sealed_json import write_sealed_json
from handgrad.datasets.data import open_data, write_data
from handgrad.experiment.blocks import block_of, run_table
from handgrad.experiment.config import Experiment, load_experiment, read_experiment
from handgrad.experiment.config_schema import config_schema
from handgrad.experiment.runs import AXES
from handgrad.gradient_check.files import read_check
from handgrad.layout.figures import DATASET_FIGURES, figure_keys, left_out_figures
from handgrad.layout.jobs import jobs_of
from handgrad.layout.paths import figure_files
from handgrad.network.model import INITS
from handgrad.page.answers import confused_classes
from handgrad.page.benchmarks import rule_costs
from handgrad.page.captions import caption_html, rst_html
from handgrad.page.content import PLAIN_BYTES, Contents, summary_page
from handgrad.page.context import caption_context, config_text, shown_config
from handgrad.page.methods import AXES_IN_WORDS, STEPS_IN_WORDS, VALUES_IN_WORDS, experiment_in_words
from handgrad.page.reading import read_contents
from handgrad.plots.figure_files import seal_figure
from handgrad.storage.provenance import Machine, Source, git_revision, machines
from handgrad.storage.run_reader import Summary, read_summary
from handgrad.storage.run_writer import write_run
from handgrad.tables.best import BEST, best_table
from handgrad.tables.comparison import comparison_table
from handgrad.tables.gradient_checks import GRADIENT_CHECKS, checks_table
from handgrad.tables.results import RESULTS, results_table
from handgrad.tables.seeds import SEEDS, seeds_table
from handgrad.tables.table import TableKind, rows_of

ROOT = Path(__file__).parents[2]


def load(text: str) -> Experiment:
    """Return the experiment of an experiment file, with the registry of the project."""
    registry = yaml.safe_load((ROOT / "config/datasets.yaml").read_text())
    return load_experiment({**registry, **yaml.safe_load(text)})


MOMENTUM = """
name: mine
experiments:
  - {dataset: mnist, activation: [tanh, cos], hidden_units: [100, 200, 300], learning_rate: 0.1, l2: 0.03,
     pixels: standardize, batch_gradient: mean, momentum: 0.9, schedule: cosine, init: scaled,
     validation_size: 5000}
"""

# --- methods ---


def words(experiment: Experiment) -> str:
    """Return the text on the blocks of an experiment, on one line."""
    return " ".join(experiment_in_words(shown_config(experiment)["experiments"], experiment.datasets).split())


def test_the_words_hold_the_numbers_of_the_config() -> None:
    found = words(load(MOMENTUM))
    for text in (
        "6 runs on <code>mnist</code> (images of 28 x 28 pixel values, 10 classes)",
        ", one for each combination of activation (tanh, cos), hidden units M (100, 200, 300).",
        "on 55,000 of 60,000 training examples for 20 epochs in batches of 100",
        ", with learning rate η = 0.1, λ = 0.03, seed = 0.",
        "tested on 10,000 test examples",
        "5,000 of the training examples are held out",
        "Inputs are (u - mean)/(std + 0.1), where u = x/255",
        "V ← µ V + g/B, W ← W + η V, where µ = 0.9",
        "η falls to 0 along half a cosine",
        "tanh has s = 1 and biases of 0; cos has s = 0.2 and biases uniform in [-π, π].",
        "float32",
    ):
        assert text in found


SEARCH = """
name: mine
experiments:
  - {dataset: digits, activation: [tanh, cos], momentum: [0, 0.9], seed: [0, 1], hidden_units: {int_uniform: [5, 9]},
     learning_rate: {log_uniform: [0.001, 0.3]}, init: {choice: [scaled, published]}, sampling: sobol, sampling_seed: 7,
     samples: 6, zip: [[activation, momentum]], exclude: [{activation: cos, seed: 1}]}
"""


def test_the_words_hold_distributions_zip_and_exclude() -> None:
    found = words(load(SEARCH))
    for text in (
        "18 runs on <code>digits</code>",
        ", with activation (tanh, cos), hidden units M from 5 to 9 (drawn, whole numbers), learning rate η from 0.001 ",
        "to 0.3 (drawn, uniform on a logarithmic scale), seed (0, 1), momentum µ (0, 0.9), initial weights (scaled, ",
        "published; drawn).",
        "6 samples are drawn by a shifted Sobol sequence (sampling seed 7)",
        "activation and momentum belong together",
        "6 of 24",
    ):
        assert text in found


@pytest.fixture
def mixed(tmp_path: Path) -> Experiment:
    """Return an experiment on features, flowers, and on images, digits."""
    (tmp_path / "flowers.csv").write_bytes(b"a")
    file = {"name": "flowers.csv", "size": 1, "sha256": hashlib.sha256(b"a").hexdigest()}
    facts = {"train": 120, "test": 0.2, "inputs": 4, "class_names": ["a", "b", "c"]}
    flowers = {"format": "table", "label": "last", "local_dir": str(tmp_path), "files": {"table": file}, **facts}
    registry = yaml.safe_load((ROOT / "config/datasets.yaml").read_text())["datasets"]
    block = {"dataset": ["flowers", "digits"], "pixels": "standardize"}
    return load_experiment({"datasets": {**registry, "flowers": flowers}, "experiments": [block]})


def test_the_words_on_features_name_no_pixels_and_no_images(mixed: Experiment) -> None:
    sizes = {name: {**entry, "train": 120, "test": 30} for name, entry in mixed.datasets.items()}
    flowers, digits = words(replace(mixed, datasets=sizes)).split("</li>")[:2]
    assert "(4 features, 3 classes)" in flowers
    assert "tested on 30 test examples" in flowers
    assert "Inputs are standard scores (x - mean)/std." in flowers
    assert not re.search("image|pixel", flowers)
    assert "(images of 8 x 8 pixel values, 10 classes)" in digits


def test_figures_and_captions_of_features_need_no_images(mixed: Experiment) -> None:
    figures = figure_files(mixed)
    shown = {Path(name).parent.name for name in figures if name.endswith("/flowers.svg")}
    assert shown == {"learning_curves", "confusion", "weights"}
    left_out = {one.figure: one.reason for one in left_out_figures(mixed) if one.dataset == "flowers"}
    assert left_out.keys() == {*DATASET_FIGURES} - shown
    assert left_out["mistakes"] == "the data are not images"
    assert left_out["cost"] == "there is one run"
    assert "results/published/figures/mistakes/digits.svg" in figures
    assert {output for job in jobs_of(mixed) if job.rule.startswith("plot_") for output in job.outputs} == set(figures)
    for kind in shown:
        assert "image" not in caption_html(kind, caption_context(mixed, "flowers"))
    assert "as images" in caption_html("weights", caption_context(mixed, "digits"))


@pytest.mark.parametrize(
    ("axes", "planned"),
    [("seed: [0, 1]", True), ("seed: [0, 1], l2: [0, 1], zip: [[seed, l2]]", False), ("l2: [0, 1]", False)],
)
def test_the_plot_of_seeds_needs_a_setting_with_several(axes: str, planned: bool) -> None:
    experiment = load(f"experiments: [{{dataset: mnist, {axes}}}]")
    assert (("seeds", "mnist") in figure_keys(experiment)) == planned
    assert ("seeds" in {one.figure for one in left_out_figures(experiment)}) != planned


@pytest.mark.parametrize("name", ["config", "quick", "reproduction", "improved"])
def test_the_words_on_every_shipped_experiment_count_its_runs(name: str) -> None:
    _, experiment = read_experiment(ROOT / f"config/{name}.yaml")
    assert sum(map(int, re.findall(r"<li>(\d+) run", words(experiment)))) == len(experiment.runs)


def test_what_differs_between_blocks_is_said_of_each_and_the_rest_once() -> None:
    blocks = "{dataset: mnist, pixels: unit}, {dataset: mnist, pixels: raw}"
    items, _, common = words(load(f"experiments: [{blocks}]")).partition("</ul>")
    assert [items.count("Inputs are"), common.count("Inputs are")] == [2, 0]
    assert [items.count("An update is"), common.count("An update is")] == [0, 1]


def test_every_axis_and_every_value_of_one_has_words() -> None:
    assert {"dataset", *AXES_IN_WORDS} == set(AXES)
    axes = config_schema()["properties"]["experiments"]["items"]["properties"]
    values = {axis: axes[axis]["anyOf"][0]["enum"] for axis in ("pixels", "batch_gradient", "schedule")}
    assert list(VALUES_IN_WORDS["pixels"]) == values["pixels"]
    assert set(STEPS_IN_WORDS) == set(itertools.product(values["batch_gradient"], (False, True)))
    assert list(VALUES_IN_WORDS["schedule"]) == values["schedule"]
    assert set(VALUES_IN_WORDS["init"]) == set(INITS)


def test_the_shown_config_makes_the_same_runs_and_hides_local_folders() -> None:
    experiment = load(MOMENTUM)
    local = {**experiment.datasets["mnist"], "local_dir": "/home/me/secret"}
    shown = config_text(shown_config(replace(experiment, datasets={**experiment.datasets, "mnist": local})))
    assert all(hidden not in shown for hidden in ("secret", "mirrors", "cifar10"))
    assert run_table(map(block_of, yaml.safe_load(shown)["experiments"])) == experiment.runs


# --- captions ---


def test_captions_include_no_file_and_no_raw_html() -> None:
    for text in (".. include:: /etc/hostname", ".. raw:: html\n\n   <script>alert(1)</script>"):
        with pytest.raises(Exception, match="disabled"):
            rst_html(text)


# --- costs ---


def test_the_costs_of_a_rule_are_those_of_the_jobs_behind_the_page(tmp_path: Path) -> None:
    # if an experiment has the name of a dataset, its jobs in other rules have the same names
    names = {
        "download_file": ["mnist/a.gz"],
        "train_run": ["mnist/a", "mnist/b", "mnist/never_run"],
        "plot_cost": ["mnist/mnist"],
        "check_gradients": ["mnist_tanh_eps"],
        "check_gate": ["mnist_tanh"],
        **{key: ["mnist"] for key in ("preprocess_dataset", "aggregate_best", "plot_best")},
    }
    few = ("aggregate_best/mnist", "plot_best/mnist", "check_gate/mnist_tanh", "check_gradients/mnist_tanh_eps")
    measured = dict.fromkeys((*few, "download_file/mnist/a.gz"), (0.1, 1, 1))
    measured |= {"train_run/mnist/a": (2, 100.5, 1.5), "train_run/mnist/b": (5, 90, 4)}
    measured |= {"preprocess_dataset/mnist": (9, "NA", "-"), "plot_cost/mnist/mnist": (1, 0.5, "0.00")}
    measured |= {"train_run/mnist/of_another": (1000, 9999, 1000)}
    for job, cost in measured.items():
        (path := tmp_path / f"{job}.tsv").parent.mkdir(parents=True, exist_ok=True)
        path.write_text("s\tmax_rss\tcpu_time\n{}\t{}\t{}\n".format(*cost))
    (tmp_path / "train_run/mnist/never_run.tsv").write_text("not a benchmark\n1\n")
    files = {rule: [str(tmp_path / f"{rule}/{name}.tsv") for name in of_rule] for rule, of_rule in names.items()}
    dear, train, short, *others = rows_of(rule_costs(files))
    assert list(train.values()) == ["train_run", 2, 7, 3.5, 5, 100.5]
    assert [(one["rule"], one["total_seconds"]) for one in (dear, short)] == [
        ("preprocess_dataset", 9),
        ("plot_cost", 1),
    ]
    assert np.isnan([dear["memory_mb"], short["memory_mb"]]).all()
    assert len(others) == 5


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
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "a")
    (tmp_path / "copied").mkdir()  # untracked files do not count as a change of the code
    revision = git(tmp_path, "rev-parse", "HEAD")
    assert git_revision(tmp_path) == revision
    (tmp_path / "file").write_text("b")
    assert git_revision(tmp_path) == f"{revision}, with changes that are not committed"
    assert git_revision(tmp_path / "copied") == "not known: the workflow is no git checkout of its own"


# --- the page ---


def summaries(count: int = 1, *, diverged: bool = False, **axes: Any) -> list[Summary]:
    faults = [None if diverged else 272 + i % 50 for i in range(count)]
    return [summary(one, validation_faults=1, seed=i, dataset="mnist", **axes) for i, one in enumerate(faults)]


@pytest.fixture
def contents(tmp_path: Path) -> Callable[..., Contents]:
    """Return a function that makes the content of a page from runs. values: other fields by name."""

    def make(runs: list[Summary], **values: Any) -> Contents:
        results = results_table(runs)
        seeds = seeds_table(results)
        experiment = load("experiments: [{dataset: mnist}]")
        figure = tmp_path / "accuracy.svg"
        figure.write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>')
        seal_figure(figure)
        given = {
            "config": shown_config(experiment),
            "contexts": {name: caption_context(experiment, name) for name in (None, "mnist")},
            "tables": {
                "results": results,
                "seeds": seeds,
                "best": best_table(seeds, published({"dataset": "mnist"})),
                "comparison": comparison_table(seeds, published({"dataset": "mnist"}), {"mnist": 1.0}),
                "gradient_checks": checks_table([]),
            },
            "histories": [run.history for run in runs],
            "figures": {("accuracy", "mnist"): str(figure)},
            "left_out": [],
            "costs": rule_costs({}),
            "machines": [Machine("A", "3.11.7", "2.4.6", "openblas", 1)],
            "sources": {"mnist": Source("mnist", 3, 3, "digest", ())},
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


def test_large_plots_are_compressed(contents: Callable[..., Contents], tmp_path: Path) -> None:
    figure = tmp_path / "large.svg"
    figure.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>{" " * PLAIN_BYTES}')
    seal_figure(figure)
    page = summary_page(contents(summaries(3), figures={("accuracy", "mnist"): str(figure)}))
    (image,) = re.findall(r'data-packed="([^"]+)"', page)
    assert gzip.decompress(base64.b64decode(image)).startswith(b"<svg")
    assert len(page) < PLAIN_BYTES


def head(page: str) -> str:
    """Return the text of the first section of the page, without tags."""
    found = page.partition('<section id="overview"')[2].partition("</section>")[0]
    return " ".join(re.sub("<[^>]+>", " ", found).split())


def test_the_page_begins_with_the_best_result(contents: Callable[..., Contents]) -> None:
    page = summary_page(contents(summaries(3)))
    for text in (
        "97.27% test accuracy",
        "95% interval 96.93 to 97.57%",
        "best published result: 98.00% (-0.73 points here)",
        "tanh, 5 hidden units, learning rate 0.001, λ 0.01",
        "Mean of 3 seeds: 97.26 to 97.28%",
        "No other setting was tried.",
        "3 runs, none diverged",
        "0 of 0 passed",
    ):
        assert text in head(page)
    assert 'id="table-seeds"' in page


@pytest.mark.parametrize(
    ("held_out", "said"), [(500, "The test set was not used"), (0, "so the accuracy is optimistic")]
)
def test_the_head_says_on_which_split_the_best_was_selected(
    contents: Callable[..., Contents], held_out: int, said: str
) -> None:
    runs = [*summaries(1, validation_size=held_out), *summaries(1, validation_size=held_out, l2=0.5)]
    assert said in head(summary_page(contents(runs)))


def test_runs_that_all_diverged_have_no_result_and_no_plots(contents: Callable[..., Contents]) -> None:
    page = summary_page(contents(summaries(3, diverged=True)))
    assert "All 3 runs diverged" in head(page)
    assert "mnist: all plots are left out, because every run diverged." in page
    assert '<figure class="plot' not in page


def test_the_head_answers_what_a_reader_asks_next(contents: Callable[..., Contents]) -> None:
    grid = [summary(200 + i, dataset="mnist", learning_rate=rate, l2=0.0) for i, rate in enumerate((0.1, 0.01, 0.03))]
    grid += [summary(300 + i, dataset="mnist", activation="cos", learning_rate=0.3, l2=0.0, seed=i) for i in range(2)]
    results = results_table(grid).assign(against_best=["best", "like best", "worse", "worse", "best"])
    made = contents(grid, confused={"mnist": confused_classes(np.array([4, 4, 4, 7]), np.array([9, 9, 4, 1]))})
    page = head(summary_page(replace(made, tables={**made.tables, "results": results})))
    for text in (
        "change an accuracy by about ±0.27 points",
        "Another seed changes it by 0.01 points",
        "1 of 3 other runs with seed 0 does not differ significantly",
        "the best setting has one seed, others up to 2",
        "4 taken for 9 (2); 7 taken for 1 (1)",
        "the largest learning rate (0.1) that was tried with tanh",
        "so their effect is not known: hidden units (5)",
        "momentum (0),",
    ):
        assert text in page


@pytest.mark.parametrize(
    ("group", "sentence"),
    [
        (None, "The 3 test examples were drawn from the data with a fixed seed, stratified by class."),
        ("<b>", "by class; examples with the same value of &lt;b&gt; are in the same split."),
    ],
)
def test_a_drawn_test_split_is_shown(contents: Callable[..., Contents], group: str | None, sentence: str) -> None:
    drawn, made = Source("mnist", 3, 3, "digest", (), drawn=True), contents(summaries(1))
    datasets = {"mnist": {**made.config["datasets"]["mnist"], "test": 0.2, "split_by": group}}
    page = summary_page(replace(made, sources={"mnist": drawn}, config={**made.config, "datasets": datasets}))
    assert sentence in page
    assert "is tested on 3 test examples" in " ".join(page.split())
    assert "were drawn" not in summary_page(made)


def test_what_is_strange_about_data_is_said_first_and_with_its_figures(
    contents: Callable[..., Contents],
) -> None:
    strange = Source("mnist", 3, 3, "digest", (), ("all 3 test examples are of class 0 ('<i>')",))
    first, _, rest = summary_page(contents(summaries(1), sources={"mnist": strange})).partition('<section id="explore"')
    escaped = "mnist: all 3 test examples are of class 0 (&#39;&lt;i&gt;&#39;)."
    assert first.count(escaped) == 1
    assert 'id="table-seeds"' not in rest  # because there is only one seed
    assert escaped in rest.partition('<div id="plots-mnist"')[2].partition("<figure")[0]


def test_markup_in_texts_is_shown_as_it_is(contents: Callable[..., Contents]) -> None:
    awkward = "<script>alert(1)</script>{{ 1 }}$x_1$&"
    made = contents(summaries(1, activation=awkward), facts={awkward: awkward}, machines=[Machine(*[awkward] * 4, 1)])
    page = summary_page(replace(made, config={**made.config, "name": awkward}))
    shown = "&lt;script&gt;alert(1)&lt;/script&gt;{{ 1 }}$x_1$&amp;"
    assert awkward not in page
    assert page.count(shown) > 8


# --- inputs of the page ---


@pytest.fixture
def job(tmp_path: Path) -> dict[str, Any]:
    """Return the arguments of the job that makes the page of one run."""
    data, run = str(tmp_path / "digits.h5"), str(tmp_path / f"digits/{RUN.name}.h5")
    write_data(data, image_data())
    with open_data(data, "data") as stored:
        content, data_seal = stored.content, stored.seal
    Path(run).parent.mkdir()
    write_run(run, trained(), [], code_digest="code", data_digest="data", data_content=content, **USE)
    about = {"dataset": "digits", "activation": "tanh", "data_digest": "data", "data_content": content, "passed": True}
    for rule in ("check_gate", "check_gradients"):
        write_sealed_json(tmp_path / f"{rule}.json", {**about, "code_digest": code_digest(rule)})
    check = str(tmp_path / "check_gradients.json")
    tables = {name: str(tmp_path / f"{name}.csv") for name in ("results", "seeds", "best", "gradient_checks")}
    run_seal = read_summary(run).seal
    RESULTS.write(tables["results"], results_table([]), {data: data_seal, run: run_seal})
    SEEDS.write(tables["seeds"], seeds_table(results_table([])), {tables["results"]: file_sha256(tables["results"])})
    BEST.write(tables["best"], BEST.typed([]), {tables["seeds"]: file_sha256(tables["seeds"])})
    GRADIENT_CHECKS.write(tables["gradient_checks"], checks_table([]), {check: file_sha256(check)})
    return {
        "config": {"datasets": {"digits": {"image_shape": [2, 3]}}},
        "contexts": {},
        "tables": tables,
        "figures": [],
        "figure_keys": [],
        "left_out": [],
        "searched": [],
        "runs": [run],
        "data": [data],
        "gates": [str(tmp_path / "check_gate.json")],
        "checks": [check],
        "checked": [("digits", "tanh")],
        "benchmarks": {},
        "training": "code",
        "data_digests": {"digits": "data"},
    }


@pytest.mark.parametrize(
    ("kind", "made_from"),
    [
        (RESULTS, "runs"),
        (RESULTS, "data"),
        (GRADIENT_CHECKS, "checks"),
        (SEEDS, "results"),
        (BEST, "seeds"),
    ],
)
def test_the_page_refuses_a_table_made_from_another_file(job: dict[str, Any], kind: TableKind, made_from: str) -> None:
    read_contents(**job)
    path = job["tables"][kind.name]
    source = job["tables"].get(made_from) or job[made_from][0]
    others = [file for file in (*job["runs"], *job["data"]) if kind is RESULTS]
    kind.write(path, kind.typed([]), {**{file: kind.read(path).digest(file) for file in others}, source: "a" * 64})
    with pytest.raises(HandgradError, match=rf"^{path}: was made from a different version of {source};"):
        read_contents(**job)


@pytest.mark.parametrize("file", ["gates", "checks"])
@pytest.mark.parametrize("change", [{"data_content": "other"}, {"activation": "cos"}, {"code_digest": "other"}])
def test_the_page_refuses_a_check_of_other_data_or_code(job: dict[str, Any], file: str, change: dict[str, str]) -> None:
    (path,) = job[file]
    write_sealed_json(path, {**read_check(path, {})[0], **change})
    with pytest.raises(HandgradError, match=rf"^{path}: .* its {next(iter(change))} is"):
        read_contents(**job)
