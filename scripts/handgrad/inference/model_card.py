"""The model card: what a trained model is for, how it was trained and measured, its limits, and how to use it.

Everything comes from the run file.
"""

from collections.abc import Iterator

import numpy as np

from handgrad.common.formatting import counted
from handgrad.datasets.inputs import Column, InputSpec
from handgrad.experiment.runs import AXES, Run, canonical_text
from handgrad.inference.onnx_model import input_shape
from handgrad.storage.run_reader import Summary, TrainedModel
from handgrad.tables.columns import markdown_text
from handgrad.tables.significance import LEVEL, wilson_interval


def model_card(model: TrainedModel, summary: Summary, file: str) -> str:
    """Return the model card of a finished run in Markdown. file: the name of the ONNX file next to it."""
    run, spec = model.run, model.spec
    return _TEXT.format(
        dataset=markdown_text(run.dataset),
        run=run.name,
        file=file,
        inputs=_inputs_in_words(model),
        classes=len(model.class_names),
        class_names=", ".join(map(markdown_text, model.class_names)),
        data_content=model.attributes["data_content"],
        examples=_examples_in_words(run, summary),
        protocol="\n".join(_protocol(summary)),
        code_digest=summary.attributes["code_digest"],
        versions="Python {python}, NumPy {numpy}, {blas}".format(**summary.attributes),
        accuracy=_accuracy_in_words(summary),
        optimistic=_SELECTED[run.validation_size > 0],
        preparation=_preparation_in_words(spec),
        code=_code(model, file),
        columns="".join(_column_lines(spec)),
        content=summary.content_sha256,
    )


def _inputs_in_words(model: TrainedModel) -> str:
    shape, largest = " x ".join(map(str, input_shape(model))), model.spec.max_value
    if largest is not None:
        return f"images of {shape} pixels, integers from 0 to {largest}"
    return f"{shape} numbers" + (" for each example, from the columns of a table" if model.spec.columns else "")


def _examples_in_words(run: Run, summary: Summary) -> str:
    held_out = f", {counted(run.validation_size, 'validation example')}" if run.validation_size else ""
    train = counted(summary.attributes["train_examples"], "training example")
    return f"{train}{held_out}, {counted(summary.test_size, 'test example')}"


def _protocol(summary: Summary) -> Iterator[str]:
    for axis in AXES[1:]:
        value = getattr(summary.run, axis)
        text = "all" if axis == "train_size" and value is None else canonical_text(value)
        yield f"| `{axis}` | {text} |"


def _accuracy_in_words(summary: Summary) -> str:
    correct = summary.test_size - (summary.faults or 0)
    low, high = (float(end) for end in wilson_interval(np.array(correct), np.array(summary.test_size)))
    return (
        f"{correct:,} of {summary.test_size:,} test examples are classified correctly: an accuracy of "
        f"{correct / summary.test_size:.2%}, {1 - LEVEL:.0%} confidence interval {low:.2%} to {high:.2%} (Wilson). "
        f"The mean negative log-likelihood of a test example is {summary.loss:.4g}."
    )


_SELECTED = {
    False: (
        "No validation examples were held out. If this run was selected from several runs by its test accuracy, the "
        "accuracy is optimistic."
    ),
    True: (
        "Runs can be compared on the validation examples. If this run was selected by its test accuracy instead, the "
        "accuracy is optimistic."
    ),
}


def _preparation_in_words(spec: InputSpec) -> str:
    if spec.max_value is None:
        names = " Columns are encoded as the section Inputs describes." if spec.columns else ""
        return f"The model scales its inputs. It does not check for missing or infinite numbers.{names}"
    size = " Files of another size were resized with Pillow's LANCZOS filter." if spec.resized else ""
    return f"The model scales its inputs. Pixels must mean the same as in training (polarity, crop, channels).{size}"


def _column_lines(spec: InputSpec) -> Iterator[str]:
    """Yield a table of the columns and the numbers that the model needs for them."""
    if not spec.columns:
        return
    yield "\n## Inputs\n\nThe values of an example, in this order:\n\n| column | inputs |\n|---|---|\n"
    yield from (f"| {markdown_text(column.name)} | {_column_in_words(column)} |\n" for column in spec.columns)


def _column_in_words(column: Column) -> str:
    if column.categories:
        names = ", ".join(map(markdown_text, column.categories))
        return f"{counted(len(column.categories), 'number')}, 1 for the category of the example, otherwise 0: {names}"
    return "a number" if column.fill is None else f"a number; a missing value is replaced by {column.fill:.9g}"


def _code(model: TrainedModel, file: str) -> str:
    shape = ", ".join(map(str, (1, *input_shape(model))))
    dtype, unit = ("float32", "example") if model.spec.max_value is None else ("uint8", "image")
    return _CODE.format(file=repr(file), shape=shape, dtype=dtype, unit=unit)


_CODE = """\
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession({file})
x = np.zeros(({shape}), np.{dtype})  # one {unit}; the first number is the number of {unit}s
probabilities, labels, names = session.run(["probabilities", "label", "class"], {{"x": x}})
print(names[0], probabilities[0, labels[0]])
"""

_TEXT = """\
# Model card: {dataset}

A classifier with one hidden layer, trained by handgrad and exported as `{file}`.

- Run: `{run}`
- SHA-256 of the run's content: `{content}`

## Data

- Dataset: {dataset}, SHA-256 of its content: `{data_content}`
- Examples: {examples}
- Inputs: {inputs}
- Classes ({classes}): {class_names}

## Training protocol

Mini-batch gradient ascent on the log-likelihood minus (l2/2)(|W1|² + |W2|²), with these parameters:

| parameter | value |
|---|---|
{protocol}

Code digest `{code_digest}`, {versions}.

## Accuracy

{accuracy}

The interval describes other test examples from the same source. It does not describe other seeds or other sources.
{optimistic}

## Limits

- The model assigns one of the {classes} classes to every input, also to an input that belongs to none of them.
- The probabilities are those of the softmax layer. They were not calibrated.
- {preparation}
- Only the test examples above were measured. Measure the accuracy on your own data before you rely on the model.

## Use

With onnxruntime and NumPy, in the folder of `{file}`:

```python
{code}```

The metadata of the model contains the names of the classes and of the inputs, and the name and SHA-256 of the run.
{columns}"""
