"""The name of a run, the text of its numbers, and the run table."""

from dataclasses import replace
from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.common.errors import HandgradError
from handgrad.experiment.runs import (
    AXES,
    EXAMPLE,
    NAMED_AXES,
    Run,
    canonical_text,
    is_short_name,
    training_cost,
)

ALWAYS_NAMED = {
    "dataset": "mnist",
    "activation": "tanh",
    "hidden_units": 100,
    "learning_rate": 0.001,
    "batch_size": 100,
    "epochs": 20,
    "l2": 0.01,
    "seed": 0,
}
positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
size = st.integers(min_value=1, max_value=10**6)
# the name of an activation or init may contain _, as in leaky_relu, but no token of an axis
TOKENS = {axis.metadata["token"] for axis in NAMED_AXES}
words = st.from_regex(r"[a-z][a-z0-9]{0,9}(_[a-z0-9]{1,9})?", fullmatch=True).filter(
    lambda text: not TOKENS & set(text.split("_"))
)

any_run = st.builds(
    Run,
    dataset=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]*", fullmatch=True),
    activation=words,
    hidden_units=size,
    learning_rate=positive,
    batch_size=size,
    epochs=size,
    l2=st.just(0.0) | positive,
    seed=st.integers(min_value=0, max_value=2**32 - 1),
    pixels=st.sampled_from(["raw", "unit", "standardize"]),
    batch_gradient=st.sampled_from(["sum", "mean"]),
    momentum=st.floats(min_value=0, max_value=1, exclude_max=True),
    schedule=st.sampled_from(["constant", "cosine"]),
    init=words,
    dtype=st.sampled_from(["float32", "float64"]),
    train_size=st.none() | size,
    validation_size=st.integers(min_value=0, max_value=10**6),
)


@settings(max_examples=30)
@given(any_run, any_run)
def test_a_name_is_a_plain_file_name_of_one_run_alone(one: Run, other: Run) -> None:
    assert is_short_name(one.name) or Run.from_name(one.dataset, one.name) == one
    assert (one == other) == ((one.dataset, one.name) == (other.dataset, other.name))
    assert one.name.replace("_", "").replace(".", "").replace("-", "").isalnum()
    assert one.name.isascii()
    assert len(one.name) <= 99


def test_a_name_of_99_characters_is_whole_and_a_longer_one_is_short() -> None:
    axes = {**ALWAYS_NAMED, "learning_rate": 0.123, "momentum": 0.12345678, "schedule": "cosine", "init": "scaled"}
    whole = EXAMPLE.replace("0.001", "0.123") + "_momentum_0.12345678_schedule_cosine_init_scaled"
    assert (len(whole), Run(**axes).name) == (99, whole)
    short = "af_tanh_hu_100_lr_0.123_bs_100_l2_0.01_seed_0_momentum_0.123456789_ep_20_"
    assert Run(**{**axes, "momentum": 0.123456789}).name == short + "5adffdd8db907dd2"
    assert Run(**{**axes, "epochs": 100}).name.startswith(short.removesuffix("9_ep_20_") + "_ep_100_")


@settings(max_examples=50)
@given(any_run, size)
def test_runs_that_differ_in_epochs_alone_share_the_patterns_of_names(run: Run, epochs: int) -> None:
    patterns = run.names_with_any_epochs()
    assert any(fnmatchcase(replace(run, epochs=epochs).name, pattern) for pattern in patterns)
    for axis in ("seed", "validation_size"):
        other = replace(run, **{axis: getattr(run, axis) ^ 1})
        assert not {*patterns} & {*other.names_with_any_epochs()}


OTHERS = [
    ("pixels", "raw", "_pixels_raw"),
    ("batch_gradient", "mean", "_gradient_mean"),
    ("momentum", 0.9, "_momentum_0.9"),
    ("schedule", "cosine", "_schedule_cosine"),
    ("init", "other", "_init_other"),
    ("dtype", "float64", "_dtype_float64"),
    ("train_size", 500, "_train_500"),
    ("validation_size", 10, "_validation_10"),
]


def test_eight_axes_are_always_named_the_others_where_they_differ() -> None:
    assert (*ALWAYS_NAMED, *(axis for axis, _, _ in OTHERS)) == AXES
    assert Run(**ALWAYS_NAMED).name == EXAMPLE == "af_tanh_hu_100_lr_0.001_bs_100_ep_20_l2_0.01_seed_0"
    for axis, value, suffix in OTHERS:
        assert Run(**{**ALWAYS_NAMED, axis: value}).name == EXAMPLE + suffix


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.001, "0.001"),
        (1e-5, "1e-05"),
        (1.0, "1"),
        (0.0, "0"),
        (1e22, "1e22"),
        (0.1 + 0.2, "0.30000000000000004"),
        (100, "100"),
        (None, "None"),
    ],
)
def test_a_number_has_one_text(value: object, text: str) -> None:
    assert canonical_text(value) == text


@pytest.mark.parametrize(
    "name",
    [
        "",
        "nonsense",
        EXAMPLE + "_",
        EXAMPLE + "\n",
        "_" + EXAMPLE,
        EXAMPLE + "_extra",
        EXAMPLE + "_extra_1",
        EXAMPLE + "_pixels_unit",  # names omit defaults
        EXAMPLE + "_train_None",
        EXAMPLE + "_train_many",
        EXAMPLE + "_validation_5_train_10",  # wrong order
        EXAMPLE.removesuffix("_seed_0"),
        EXAMPLE.replace("lr_0.001", "lr_1e-3"),
        EXAMPLE.replace("lr_0.001", "lr_0.0010"),
        EXAMPLE.replace("lr_0.001", "lr_nan"),
        EXAMPLE.replace("lr_0.001", "lr_1e999"),
        EXAMPLE.replace("hu_100", "hu_0100"),
        EXAMPLE.replace("hu_100", "hu_100.0"),
        EXAMPLE.replace("hu_100", "hu_abc"),
        EXAMPLE.replace("hu_100", "hu_\N{FULLWIDTH DIGIT ONE}"),
        EXAMPLE.replace("hu_100", "hu_100_hu_100").replace("af_tanh_", ""),
        EXAMPLE.replace("ep_20", "ep_20_ep_20"),
        EXAMPLE.replace("tanh", "../tanh"),
        EXAMPLE.replace("tanh", "t\N{LATIN SMALL LETTER A WITH DIAERESIS}nh"),
    ],
)
def test_a_tampered_name_is_refused_in_one_line_that_names_the_file(name: str) -> None:
    with pytest.raises(HandgradError) as caught:
        Run.from_name("mnist", name)
    assert str(caught.value).startswith(f"results/runs/mnist/{name}.h5: not a run's name")


def test_a_run_can_be_extended_unless_its_schedule_knows_its_last_epoch() -> None:
    assert Run(**ALWAYS_NAMED, momentum=0.9).can_be_extended
    assert not Run(**ALWAYS_NAMED, schedule="cosine").can_be_extended


def test_the_cost_of_a_run_grows_with_what_it_computes() -> None:
    run = Run(**ALWAYS_NAMED)
    cost = training_cost(run, inputs=784, classes=10, train_size=60_000)
    # forward 2MN(D+1) + 2NK(M+1), backward similar: about 2 * 2 * 100 * 785 + 3 * 2 * 10 * 100 for each example
    assert cost == 20 * 60_000 * (2 * 100 * 2 * 785 + 2 * 100 * 3 * 10)
    assert training_cost(run, inputs=3072, classes=10, train_size=60_000) > cost
