"""The runs of an entry of ``experiments``: lists, distributions, zip and exclude."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handgrad.experiment.blocks import Block, block_of, run_table
from handgrad.experiment.config import load_experiment
from handgrad.experiment.config_errors import ConfigError
from handgrad.experiment.config_files import merge, read_config
from handgrad.experiment.runs import AXES, Run
from handgrad.experiment.sampling import draw_samples
from handgrad.experiment.sobol import BITS, DIMENSIONS, sobol
from handgrad.layout.jobs import jobs_of
from handgrad.page.context import config_text, shown_config

SHIPPED = read_config([])
DEFAULT = load_experiment(merge(SHIPPED, {"experiments": [{"dataset": "digits"}]})).runs[0]
RATES = {"learning_rate": {"log_uniform": [0.001, 0.3]}}


def runs_of(text: str) -> tuple[Run, ...]:
    """Return the runs of an experiment file; an entry without a dataset is on digits."""
    return load_experiment(merge(SHIPPED, {"name": "mine", **yaml.safe_load(text)})).runs


def values(runs: tuple[Run, ...], *axes: str) -> list[Any]:
    """Return the values of some axes of each run: one value, or a tuple of several."""
    rows = [tuple(getattr(run, axis) for axis in axes) for run in runs]
    return [row[0] for row in rows] if len(axes) == 1 else rows


def block(**config: Any) -> Block:
    """Return an entry on digits with these keys."""
    return block_of({**vars(DEFAULT), **config})


# --- what users of other tools ask for


def test_paired_values() -> None:
    runs = runs_of("""
experiments:
  - dataset: digits
    hidden_units: [50, 100, 200]
    batch_size: [10, 20, 40]
    zip: [[hidden_units, batch_size]]
""")
    assert values(runs, "hidden_units", "batch_size") == [(50, 10), (100, 20), (200, 40)]


def test_three_way_pairs_crossed_with_a_grid() -> None:
    runs = runs_of("""
experiments:
  - dataset: [digits, wine]
    batch_size: [50, 10]
    activation: [tanh, cos]
    epochs: [9, 30]
    zip: [[dataset, batch_size, epochs]]
""")
    expected = [(*row, a) for row in (("digits", 50, 9), ("wine", 10, 30)) for a in ("tanh", "cos")]
    assert values(runs, "dataset", "batch_size", "epochs", "activation") == expected


def test_one_combination_is_left_out() -> None:
    runs = runs_of("""
experiments:
  - dataset: digits
    activation: [tanh, cos]
    momentum: [0, 0.9]
    exclude: [{activation: cos, momentum: 0.9}]
""")
    assert values(runs, "activation", "momentum") == [("tanh", 0), ("tanh", 0.9), ("cos", 0)]


def test_a_corner_is_left_out() -> None:
    runs = runs_of("""
experiments:
  - dataset: digits
    hidden_units: [50, 100, 200, 400]
    learning_rate: [0.001, 0.01, 0.1, 1]
    exclude: [{hidden_units: [200, 400], learning_rate: [1e-1, 1]}]
""")
    left_out = [(units, rate) for units in (200, 400) for rate in (0.1, 1)]
    assert len(runs) == 12
    assert not set(left_out) & set(values(runs, "hidden_units", "learning_rate"))


def test_a_corner_of_drawn_values_is_left_out() -> None:
    text = """
experiments:
  - dataset: digits
    learning_rate: {log_uniform: [0.001, 1]}
    hidden_units: {int_uniform: [10, 300]}
    samples: 200
    exclude: [{learning_rate: {above: 0.1}, hidden_units: {below: 50}}]
"""
    runs, whole = runs_of(text), runs_of(text[: text.index("    exclude")])
    assert runs == tuple(run for run in whole if not (run.learning_rate > 0.1 and run.hidden_units < 50))
    assert len(runs) < len(whole) == 200


def test_a_range_excludes_its_ends_and_null() -> None:
    sizes = [100, 200, 300, None]
    for ends, left in (
        ({"above": 100}, [100, None]),
        ({"below": 300}, [300, None]),
        ({"above": 100, "below": 300}, [100, 300, None]),
        ({"above": 300, "below": 100}, sizes),
    ):
        assert values(block(train_size=sizes, exclude=[{"train_size": ends}]).table.runs, "train_size") == left


def test_an_axis_for_one_activation_alone() -> None:
    runs = runs_of("""
experiments:
  - dataset: digits
    activation: [tanh, softplus, cos]
    init: [published, scaled]
    exclude: [{activation: [softplus, cos], init: scaled}]
""")
    assert values(runs, "activation", "init")[1] == ("tanh", "scaled")
    assert values(runs[2:], "activation", "init") == [("softplus", "published"), ("cos", "published")]


def test_a_log_range() -> None:
    runs = runs_of("""
experiments:
  - dataset: digits
    learning_rate: {log_uniform: [1e-5, 1]}
    samples: 500
""")
    exponents = np.log10(values(runs, "learning_rate"))
    assert len(runs) == 500
    for start in range(-5, 0):  # each order of magnitude is equally likely
        assert 70 < np.sum((start <= exponents) & (exponents < start + 1)) < 130


MORE = """
experiments:
  - dataset: digits
    learning_rate: {{log_uniform: [0.001, 0.3]}}
    hidden_units: {{int_uniform: [10, 20]}}
    sampling: {}
    samples: {}
"""


@pytest.mark.parametrize("sampling", ["random", "sobol"])
def test_more_samples_later_keep_the_earlier_ones(sampling: str) -> None:
    assert runs_of(MORE.format(sampling, 100))[:50] == runs_of(MORE.format(sampling, 50))


#: drawn values, which must be the same on every machine and in every version
PINNED = {
    "random": [
        ("softplus", 502, 1140, 0.0065, 0.0305),
        ("softplus", 73, 295, 0.0548, 0.0958),
        ("cos", 13, 151, 0.0644, 0.012),
        ("tanh", 297, 427, 0.0404, 0.0617),
    ],
    "sobol": [
        ("softplus", 502, 1140, 0.0065, 0.0305),
        ("tanh", 36, 442, 0.113, 0.0805),
        ("softplus", 1890, 93, 0.00156, 0.0055),
        ("cos", 134, 791, 0.027, 0.0555),
    ],
}


@pytest.mark.parametrize("sampling", PINNED)
def test_samples_are_the_same_on_another_machine(sampling: str) -> None:
    runs = runs_of(f"""
experiments:
  - dataset: digits
    activation: {{choice: [tanh, cos, softplus]}}
    hidden_units: {{log_uniform: [10, 2000]}}
    batch_size: {{int_uniform: [5, 1400]}}
    learning_rate: {{log_uniform: [0.001, 0.3]}}
    l2: {{uniform: [0, 0.1]}}
    sampling: {sampling}
    samples: 4
""")
    found = values(runs, "activation", "hidden_units", "batch_size", "learning_rate", "l2")
    assert found == PINNED[sampling]


def test_a_value_repeated_for_five_seeds() -> None:
    runs = runs_of("""
experiments:
  - dataset: digits
    learning_rate: {log_uniform: [0.001, 0.3]}
    seed: [0, 1, 2, 3, 4]
    samples: 3
""")
    assert values(runs, "seed") == [0, 1, 2, 3, 4] * 3
    assert len(set(values(runs, "learning_rate"))) == 3
    assert len(set(values(runs[:5], "learning_rate"))) == 1


def test_a_grid_of_two_and_samples_of_two_more() -> None:
    runs = runs_of("""
experiments:
  - dataset: digits
    activation: [tanh, cos]
    hidden_units: [50, 100]
    learning_rate: {log_uniform: [0.001, 0.3]}
    l2: {uniform: [0, 0.1]}
    samples: 20
""")
    for activation in ("tanh", "cos"):
        for units in (50, 100):
            same = tuple(run for run in runs if (run.activation, run.hidden_units) == (activation, units))
            assert values(same, "learning_rate", "l2") == values(runs[:20], "learning_rate", "l2")


def test_anchors_shared_by_two_blocks() -> None:
    runs = runs_of("""
x-common: &common {dataset: digits, learning_rate: {log_uniform: [0.001, 0.3]}, samples: 9}
experiments:
  - {<<: *common, activation: tanh, batch_size: 10}
  - {<<: *common, activation: cos, batch_size: 50}
""")
    assert values(runs, "activation") == ["tanh"] * 9 + ["cos"] * 9
    assert values(runs[:9], "learning_rate") == values(runs[9:], "learning_rate")


# --- properties

finite = st.floats(min_value=1e-9, max_value=1e9).map(lambda number: float(f"{number:.4g}"))
ends = st.tuples(finite, finite).filter(lambda two: two[0] < two[1]).map(list)
whole_ends = st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)).filter(lambda two: two[0] < two[1]).map(list)


def one_of(values: st.SearchStrategy[Any], *names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(lambda name, named: {name: named}, st.sampled_from(names), values)


distributions = st.fixed_dictionaries(
    {"learning_rate": one_of(ends, "log_uniform", "uniform")},
    optional={
        "hidden_units": one_of(whole_ends, "log_uniform", "int_uniform"),
        "activation": one_of(st.lists(st.sampled_from(["tanh", "cos"]), min_size=1), "choice"),
    },
)
samplings, seeds = st.sampled_from(["random", "sobol"]), st.integers(0, 2**32 - 1)


@settings(max_examples=60)
@given(distributions, st.integers(1, 40), samplings, seeds)
def test_samples_are_within_the_ends_rounded_and_different(
    axes: dict[str, Any], count: int, sampling: str, seed: int
) -> None:
    samples = draw_samples(axes, count, sampling, seed)
    assert len(set(samples)) == len(samples) <= count
    for sample in samples:
        for value, distribution in zip(sample, axes.values(), strict=True):
            ((name, named),) = distribution.items()
            assert value in named if name == "choice" else named[0] <= value <= named[1]
            assert name == "choice" or type(value) is type(named[0])
            assert name == "choice" or value in named or float(f"{value:.2e}") == value


@settings(max_examples=60)
@given(distributions, st.integers(1, 40), samplings, seeds)
@example({"seed": {"choice": [1, 2, 3]}}, 3, "random", 0)
@example({"seed": {"int_uniform": [1, 30]}}, 30, "sobol", 0)
def test_fewer_samples_are_the_first_ones(axes: dict[str, Any], count: int, sampling: str, seed: int) -> None:
    samples = draw_samples(axes, count, sampling, seed)
    assert draw_samples(axes, count // 2, sampling, seed) == samples[: count // 2]


@settings(max_examples=60)
@given(ends, st.integers(1, 40), samplings, seeds)
def test_another_axis_does_not_draw_the_others_again(two: list[float], count: int, sampling: str, seed: int) -> None:
    other = {"l2": {"choice": range(2**32)}}  # no sample equals another one
    rate = {"learning_rate": {"log_uniform": two}}
    first = draw_samples(other, count, sampling, seed)
    assert [sample[:1] for sample in draw_samples({**other, **rate}, count, sampling, seed)] == first
    assert [sample[1:] for sample in draw_samples({**rate, **other}, count, sampling, seed)] == first


def test_samples_differ_between_seeds_axes_and_samplings() -> None:
    rate, l2 = ({axis: {"log_uniform": [0.001, 0.3]}} for axis in ("learning_rate", "l2"))
    drawn = [draw_samples(rate, 9, "random", 0), draw_samples(rate, 9, "random", 1), draw_samples(l2, 9, "random", 0)]
    drawn += [draw_samples(rate, 9, "sobol", 0), draw_samples(rate, 9, "sobol", 1), draw_samples(l2, 9, "sobol", 0)]
    assert len({value for samples in drawn for value in samples}) > 45


def test_all_of_a_small_space_is_drawn_and_then_no_more() -> None:
    axes = {"activation": {"choice": ["tanh", "cos"]}, "epochs": {"int_uniform": [1, 20]}}
    for sampling in ("random", "sobol"):
        assert len(draw_samples(axes, 41, sampling, 0)) == 40


def test_a_sobol_sequence_is_that_of_scipy() -> None:
    from scipy.stats import qmc  # takes a second to import

    assert len(AXES) <= DIMENSIONS  # each axis has its own dimension
    expected = qmc.Sobol(DIMENSIONS, scramble=False, bits=BITS).random(1024) * 2.0**BITS
    assert all((sobol(dimension, 1024) == expected[:, dimension]).all() for dimension in range(DIMENSIONS))


def test_sobol_samples_are_even_in_each_axis_and_each_pair_of_axes() -> None:
    axes = [axis.name for axis in fields(Run) if axis.type is float]
    samples = np.array(draw_samples({axis: {"uniform": [0, 1.0]} for axis in axes}, 64, "sobol", 3))
    for column in samples.T:
        assert (np.histogram(column, 32, (0, 1))[0] == 2).sum() >= 30  # rounding may move a value to the next bin


# --- the order of the table, and its counts


def test_the_axis_written_last_varies_fastest() -> None:
    rest = {axis: value for axis, value in vars(DEFAULT).items() if axis not in ("seed", "hidden_units")}
    table = run_table([block_of({"dataset": "digits", "seed": [0, 1], "hidden_units": [200, 100], **rest})])
    assert values(table, "seed", "hidden_units") == [(0, 200), (0, 100), (1, 200), (1, 100)]


@settings(max_examples=30)
@given(st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=4), max_size=3))
@example([[2, 0, 2], [1, 0]])
def test_the_table_is_each_combination_once_in_the_order_first_named(seeds: list[list[int]]) -> None:
    table = run_table([block(seed=some, epochs=[1, 2]) for some in seeds])
    expected = dict.fromkeys((epochs, seed) for some in seeds for epochs in (1, 2) for seed in some)
    assert values(table, "epochs", "seed") == list(expected)


def test_axes_that_advance_together_have_the_place_of_the_first() -> None:
    pairs = {"hidden_units": [3, 4], "epochs": [1, 2], "zip": [["hidden_units", "epochs"]]}
    one = block(**RATES, l2={"choice": [0.5, 0.6]}, samples=2, **pairs)
    assert list(one.sizes)[2:4] == [("hidden_units", "epochs"), ("learning_rate", "l2")]
    assert values(one.table.runs, "hidden_units", "epochs") == [(3, 1), (3, 1), (4, 2), (4, 2)]
    assert (one.combinations, one.table.samples) == (4, 2)


def test_a_combination_counts_for_the_first_item_that_leaves_it_out() -> None:
    one = block(seed=[1, 2, 3, 3], epochs=[1, 2], exclude=[{"seed": 3}, {"epochs": [2], "seed": [2, 3]}, {"l2": 7}])
    assert (one.combinations, one.table.excluded) == (8, (4, 1, 0))
    assert values(one.table.runs, "seed", "epochs") == [(1, 1), (2, 1), (1, 2)]


SPACE = """
experiments:
  - dataset: digits
    learning_rate: {log_uniform: [0.001, 1]}
    l2: {choice: [0, 1]}
    hidden_units: [5, 6]
    seed: [0, 1]
    zip: [[hidden_units, seed]]
    exclude: [{l2: 0, seed: 1}, {learning_rate: {above: 0.1, below: 0.9}}]
    samples: 9
    sampling_seed: 3
"""


def test_the_configuration_that_the_page_shows_gives_the_same_runs() -> None:
    experiment = load_experiment(merge(SHIPPED, yaml.safe_load(SPACE)))
    shown = yaml.safe_load(config_text(shown_config(experiment)))
    assert load_experiment(merge(SHIPPED, shown)).runs == experiment.runs
    assert "sampling" not in shown["experiments"][0]  # keys with their default are not shown


def test_texts_of_a_command_line_are_numbers_also_inside() -> None:
    def as_text(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: as_text(inner) for key, inner in value.items()}
        return [as_text(inner) for inner in value] if isinstance(value, list) else str(value)

    config = yaml.safe_load(SPACE)
    assert load_experiment(merge(SHIPPED, as_text(config))).runs == load_experiment(merge(SHIPPED, config)).runs


def test_file_names_of_jobs_fit_143_bytes_also_while_they_are_written() -> None:
    long = "learning_rate: 1.2345678901234567e-05, l2: 1.2345678901234567e-05, momentum: 0.1234567890123456, "
    long += "pixels: standardize, init: scaled, train_size: 200, schedule: cosine, epochs: 100, seed: 4294967295"
    experiment = load_experiment(merge(SHIPPED, yaml.safe_load(f"experiments: [{{dataset: digits, {long}}}]")))
    for job in jobs_of(experiment):
        for path in (*map(Path, job.outputs), job.log, job.log.with_suffix(".jsonl"), job.benchmark):
            assert len(f".{path.name}.01234567.part") <= 143


# --- mistakes

MISTAKES = [
    (
        "l2: {log_unifrom: [0.1, 1]}",
        "l2.log_unifrom: unknown key",
        ("did you mean log_uniform?",),
    ),
    ("hidden_units: {uniform: [1, 10]}", "hidden_units.uniform: unknown key", ("log_uniform, int_uniform, choice",)),
    ("activation: {uniform: [1, 10]}", "activation.uniform: unknown key, expected one of choice", ()),
    ("l2: {uniform: [0, 1], choice: [1]}", "l2: found {'uniform'", ("one distribution",)),
    ("l2: {uniform: [0, 1, 2]}", "l2.uniform: found [0, 1, 2]", ("two numbers",)),
    ("l2: {uniform: 3}", "l2.uniform: found 3", ("two numbers",)),
    ("l2: {uniform: [-1, 3]}", "l2.uniform[0]: found -1", ("at least 0",)),
    ("samples: 2, l2: {uniform: [3, 3]}", "l2.uniform: found [3.0, 3.0]", ("the lower one first",)),
    ("samples: 2, l2: {log_uniform: [0, 3]}", "l2.log_uniform: found [0.0, 3.0]", ("greater than 0",)),
    ("samples: 2, train_size: {int_uniform: [null, 3]}", "train_size.int_uniform: found [None, 3]", ("two numbers",)),
    ("epochs: {int_uniform: [1, 2.5]}", "epochs.int_uniform[1]: found 2.5", ("a whole number",)),
    ("activation: {choice: [tanh, con]}", "activation.choice[1]: found 'con'", ("did you mean cos?",)),
    ("samples: 2, dataset: {choice: [digits, digist]}", "dataset: found 'digist'", ("did you mean digits?",)),
    ("l2: {uniform: [0, 1]}", "experiments[0]: lacks samples", ("l2",)),
    ("samples: 5", "samples: found 5, expected null", ("log_uniform",)),
    ("samples: 0", "samples: found 0", ("at least 1",)),
    ("sampling: sobl", "sampling: found 'sobl'", ("did you mean sobol?",)),
    ("samples: 9, seed: {choice: [1, 2, 3]}", "samples: found 9, expected at most 3", ("seed",)),
    ("samples: 90000, l2: {uniform: [0, 1]}, seed: [1, 2]", "experiments[0]: spans 180000 runs", ("100000",)),
    ("zip: [seed]", "zip[0]: found 'seed'", ("two or more axes",)),
    ("zip: [[seed]]", "zip[0]: found ['seed']", ("two or more axes",)),
    ("zip: [[seed, lr]]", "zip[0][1]: found 'lr'", ("did you mean learning_rate?",)),
    ("seed: [1, 2], zip: [[seed, epochs]]", "zip[0]: found lists of different lengths", ("seed has 2, epochs has 1",)),
    ("samples: 2, l2: {uniform: [0, 1]}, zip: [[seed, l2]]", "zip[0]: found ['seed', 'l2']", ("l2 is drawn",)),
    ("zip: [[seed, l2], [epochs, l2]]", "zip[1]: found ['epochs', 'l2']", ("l2 is in an earlier",)),
    ("exclude: {seed: 1}", "exclude: found {'seed': 1}", ("a list of mappings",)),
    ("exclude: [{sed: 1}]", "exclude[0].sed: unknown key", ("did you mean seed?",)),
    ("exclude: [{seed: x}]", "exclude[0].seed: found 'x'", ("a whole number",)),
    ("exclude: [{l2: {uniform: [0, 1]}}]", "exclude[0].l2.uniform: unknown key", ("above, below",)),
    ("exclude: [{activation: {above: 1}}]", "exclude[0].activation: found {'above': 1}", ("tanh",)),
    ("exclude: [{l2: {below: x}}]", "exclude[0].l2.below: found 'x'", ("a number",)),
    ("exclude: [{l2: {below: null}}]", "exclude[0].l2.below: found null", ("a number",)),
    ("seed: [1, 2], exclude: [{seed: [2, 1]}]", "exclude: leaves out all 2 combinations", ()),
    ("halvin: {epochs: [1]}", "halvin: unknown key", ("did you mean halving?",)),
]


@pytest.mark.parametrize(("text", "start", "named"), MISTAKES, ids=[case[0][:40] for case in MISTAKES])
def test_a_mistake_is_one_line_that_names_it(text: str, start: str, named: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        runs_of(f"experiments: [{{<<: {{dataset: digits}}, {text}}}]")
    (line,) = caught.value.mistakes
    assert line.startswith(start) or line.startswith(f"experiments[0].{start}")
    assert [part for part in named if part not in line] == []
    assert line.isprintable()
    assert len(line) < 600


def test_only_combinations_that_are_left_must_fit_a_dataset() -> None:
    text = "experiments: [{dataset: [digits, wine], batch_size: [500, 20], %s}]"
    for clause in ("zip: [[dataset, batch_size]]", "exclude: [{dataset: wine, batch_size: 500}]"):
        assert runs_of(text % clause)
    with pytest.raises(ConfigError, match=r"^experiments\[0\]\.batch_size: found 500, expected at most"):
        runs_of(text % "seed: 0")
