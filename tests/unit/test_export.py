"""The exported ONNX model gives the probabilities of the run, and the model card describes it."""

import json
import re
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from factories import digits, image_data, write_trained_run
from handgrad.common.errors import HandgradError
from handgrad.datasets.data import Dataset
from handgrad.datasets.inputs import Column, InputSpec
from handgrad.inference import onnx_graph
from handgrad.inference.export import export_onnx
from handgrad.inference.onnx_graph import ONNX_ACTIVATIONS, GraphBuilder
from handgrad.inference.onnx_model import onnx_model
from handgrad.network.activations import ACTIVATIONS
from handgrad.network.model import Array, Weights, forward, softmax
from handgrad.storage.run_reader import TrainedModel, read_model

ROOT = Path(__file__).parents[2]
LARGEST_DIFFERENCE = 1e-5


def session_of(model: bytes | Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def recomputed(model: TrainedModel, x: Array) -> Array:
    """Return probabilities in float64 from the weights and the scaling of a run, as numbers of its dtype."""
    arrays = {name: getattr(model.scaling.astype(model.W.W1.dtype), name) for name in ("scale", "shift", "center")}
    X = x.astype(np.float64)
    X -= 0 if arrays["center"] is None else arrays["center"].astype(np.float64)
    X *= 1 if arrays["scale"] is None else arrays["scale"].astype(np.float64)
    X += 0 if arrays["shift"] is None else arrays["shift"].astype(np.float64)
    X = np.column_stack([np.ones(len(x)), X * model.scaling.factor])
    W = Weights(*(weights.astype(np.float64) for weights in model.W))
    return softmax(forward(X, W, ACTIVATIONS[model.run.activation].h).S)


def require_equal(model: TrainedModel, x: Array) -> None:
    """Require that the exported model of a run gives the recomputed probabilities and labels for stored inputs."""
    shape = model.spec.image_shape or x.shape[1:]
    names = ["probabilities", "label", "class"]
    Y, labels, classes = session_of(onnx_model(model).SerializeToString()).run(names, {"x": x.reshape(-1, *shape)})
    expected = recomputed(model, x)
    assert Y.dtype == model.W.W1.dtype
    assert np.abs(Y - expected).max() < LARGEST_DIFFERENCE
    first, second = np.sort(expected, axis=1)[:, :-3:-1].T
    clear = first - second >= LARGEST_DIFFERENCE
    assert clear.any()
    np.testing.assert_array_equal(labels[clear], expected.argmax(axis=1)[clear])
    assert classes.tolist() == [model.class_names[label] for label in labels]


def model_of(path: Path, data: Dataset, **axes: Any) -> TrainedModel:
    write_trained_run(path, data, **axes)
    return read_model(path)


KINDS = [*product(ACTIVATIONS, ("float32", "float64"), ("raw", "unit", "standardize"), (False, True))]


@pytest.mark.parametrize(("activation", "dtype", "pixels", "features"), KINDS)
def test_onnxruntime_gives_the_probabilities_of_the_weights(
    activation: str, dtype: str, pixels: str, features: bool, tmp_path: Path
) -> None:
    data = digits(features=features)
    model = model_of(tmp_path / "run.h5", data, activation=activation, dtype=dtype, pixels=pixels, hidden_units=20)
    require_equal(model, data.test.x)


def test_probabilities_agree_for_large_pre_activations_of_cos(tmp_path: Path) -> None:
    """Raw pixels give pre-activations of some thousands; float32 would miss the limit."""
    data, axes = image_data(classes=3), {"activation": "cos", "pixels": "raw", "hidden_units": 50}
    model = model_of(tmp_path / "run.h5", data, **axes)
    rng = np.random.default_rng(1)
    W = Weights(rng.normal(0, 50, model.W.W1.shape), rng.normal(0, 0.5, model.W.W2.shape))
    large = TrainedModel(
        **{**vars(model), "W": Weights(*(weights.astype(np.float32) for weights in W))},
    )
    require_equal(large, rng.integers(0, 256, (500, 6), np.uint8))


def reference(name: str) -> Any:
    """Return an activation of ``ACTIVATIONS``, or of this table if the library does not have it yet."""
    sigmoid = ACTIVATIONS["softplus"].h_prime
    known: dict[str, Any] = {
        "relu": lambda a: np.maximum(a, 0),
        "sigmoid": sigmoid,
        "gelu": lambda a: a / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (a + 0.044715 * a**3))),
        "silu": lambda a: a * sigmoid(a),
        "sin": np.sin,
    }
    return ACTIVATIONS[name].h if name in ACTIVATIONS else known[name]


@pytest.mark.parametrize(("name", "dtype"), [*product(ONNX_ACTIVATIONS, (np.float32, np.float64))])
def test_the_onnx_form_of_each_activation_is_stable(name: str, dtype: type) -> None:
    a = np.concatenate([np.linspace(-30, 30, 1001), [-1e4, -88.8, -1e-30, 0, 1e-30, 88.8, 1e4]]).astype(dtype)
    g = GraphBuilder(dtype)
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    result = ONNX_ACTIVATIONS[name](g, "a")
    ends = [onnx.helper.make_tensor_value_info(end, kind, ["N"]) for end in ("a", result)]
    graph = onnx.helper.make_graph(g.nodes, name, ends[:1], ends[1:], g.constants)
    opset = [onnx.helper.make_opsetid("", 13)]
    (h,) = session_of(
        onnx.helper.make_model(graph, opset_imports=opset, ir_version=7).SerializeToString()
    ).run(None, {"a": a})  # fmt: skip
    np.testing.assert_allclose(
        h, reference(name)(a.astype(float)), rtol=1e-6, atol=1e-6 if dtype == np.float32 else 1e-13
    )


def test_every_activation_can_be_exported() -> None:
    assert ACTIVATIONS.keys() <= ONNX_ACTIVATIONS.keys()


def test_an_activation_without_onnx_form_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_trained_run(tmp_path / "run.h5", image_data())
    monkeypatch.delitem(onnx_graph.ONNX_ACTIVATIONS, "tanh")
    with pytest.raises(HandgradError, match="tanh") as caught:
        export_onnx(str(tmp_path / "run.h5"), tmp_path / "model.onnx")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.glob("model*")) == []


# --- the file ---


def colours() -> Dataset:
    """Return images of 3 channels, whose class names and columns are not ASCII."""
    data = image_data()
    return Dataset(
        data.train, data.test, InputSpec(image_shape=(3, 1, 2), max_value=255), ("κ", "花", 'a "b"'), {}, "colours"
    )


def test_the_file_identifies_the_run_and_names_classes_and_columns(tmp_path: Path) -> None:
    data = image_data()
    columns = (Column(name="größe", fill=1.5), Column(name="colour", categories=("red", "blue", "x|y", "", "z")))
    x = [type(split)(split.x.astype(np.float32), split.y) for split in (data.train, data.test)]
    table = Dataset(*x, InputSpec(columns=columns), ("κ", "花", 'a "b"'), {}, "table")
    run = tmp_path / "run.h5"
    model = model_of(run, table)
    _, card = export_onnx(str(run), tmp_path / "new/model.onnx")
    proto = onnx.load(tmp_path / "new/model.onnx")
    found = {prop.key: prop.value for prop in proto.metadata_props}
    assert (found["run"], found["dataset"]) == (model.run.name, model.run.dataset)
    assert found["content_sha256"] == model.attributes["content_sha256"]
    assert json.loads(found["class_names"]) == list(table.class_names)
    assert InputSpec.from_json(found["inputs"]) == table.spec
    assert json.loads(found["input_names"]) == list(table.spec.names)
    (x_input,) = proto.graph.input
    assert x_input.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert "größe" in card.read_text(encoding="utf-8")


def test_equal_runs_give_equal_bytes(tmp_path: Path) -> None:
    write_trained_run(tmp_path / "run.h5", image_data())
    for name in ("a.onnx", "b.onnx"):
        export_onnx(str(tmp_path / "run.h5"), tmp_path / name)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_colour_images_keep_their_shape(tmp_path: Path) -> None:
    model = model_of(tmp_path / "run.h5", colours())
    require_equal(model, colours().test.x)


@pytest.mark.parametrize("name", ["model", "model.md", "model.ONNX"])
def test_a_name_that_is_no_onnx_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(HandgradError, match=r"\.onnx"):
        export_onnx("run.h5", tmp_path / name)


# --- the model card ---


def test_the_card_gives_data_protocol_and_accuracy_of_the_run(tmp_path: Path) -> None:
    result = write_trained_run(tmp_path / "run.h5", digits(), validation_size=100, l2=0.02)
    _, card = export_onnx(str(tmp_path / "run.h5"), tmp_path / "model.onnx")
    text = card.read_text(encoding="utf-8")
    assert result.test
    correct = 360 - result.test.faults
    for fact in (result.run.name, "1,337", "100", f"{correct} of 360", f"{correct / 360:.2%}", "8 x 8", "| 0.02 |"):
        assert fact in text
    low, high = (float(end) / 100 for end in re.findall(r"([\d.]+)%", text)[-2:])
    assert 0 < low < correct / 360 < high < 1


def code_of(page: Path) -> str:
    """Return the Python code of a page."""
    (code,) = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return str(code)


@pytest.mark.parametrize("data", [image_data(), colours(), digits(features=True)], ids=["grey", "colour", "features"])
def test_the_code_of_the_card_works(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_trained_run(tmp_path / "run.h5", data)
    _, card = export_onnx(str(tmp_path / "run.h5"), tmp_path / "it's.onnx")
    monkeypatch.chdir(tmp_path)
    exec(code_of(card), {})  # noqa: S102, the card's own code
    name, probability = capsys.readouterr().out.rsplit(maxsplit=1)
    assert name in data.class_names
    assert 1 / len(data.class_names) <= float(probability) <= 1


def test_the_code_of_the_guide_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_trained_run(tmp_path / "run.h5", digits())
    export_onnx(str(tmp_path / "run.h5"), tmp_path / "digits.onnx")
    np.save(tmp_path / "digits.npy", digits().test.x.reshape(-1, 8, 8))
    monkeypatch.chdir(tmp_path)
    exec(code_of(ROOT / "docs/how-to/use-a-run.md"), {})  # noqa: S102, the guide's own code
    assert len(capsys.readouterr().out.splitlines()) == len(digits().test.y)


def test_a_diverged_run_is_refused(tmp_path: Path) -> None:
    result = write_trained_run(tmp_path / "run.h5", image_data(), learning_rate=1e30)
    assert result.status == "diverged"
    with pytest.raises(HandgradError, match=r"run\.h5.*diverged"):
        export_onnx(str(tmp_path / "run.h5"), tmp_path / "model.onnx")
