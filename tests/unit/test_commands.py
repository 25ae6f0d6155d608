"""The command handgrad and its exit status under signals, closed pipes and system errors."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.main import get_command

from factories import Handgrad, image_data
from handgrad.cli.app import app
from handgrad.datasets.data import write_data
from handgrad.experiment.config import read_experiment
from handgrad.experiment.registry import data_digest
from handgrad.layout import paths
from handgrad.layout.main_process import require_readable, require_writable

ROOT = Path(__file__).parents[2]
QUICK = str(ROOT / "config/quick.yaml")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}


@pytest.mark.parametrize("name", get_command(app).commands)
def test_the_help_of_each_command_has_an_example(handgrad: Handgrad, name: str) -> None:
    status, help_text, _ = handgrad(name, "--help")
    assert status == 0
    assert re.search(rf"Examples?:\n +handgrad {name}\b", help_text)
    assert "\x1b" not in help_text


@pytest.mark.parametrize(
    ("arguments", "expected", "named"),
    [
        (["--version"], 0, r"\d+\.\d+\.\d+"),
        ([], 2, "--help"),
        (["unknown"], 2, "unknown"),
        (["check", "--unknown"], 2, "--unknown"),
        (["plan", "--cores", "none"], 2, "none"),
        (["prune"], 2, "FILE"),
        (["verify"], 2, "ARCHIVE"),
        (["predict", "run.h5"], 2, "FILE"),
        (["export", "run.h5"], 2, "--onnx"),
        (["check", "nowhere.yaml"], 1, "nowhere.yaml"),
        (["plan", QUICK, "--budget", "1h30"], 2, "--budget"),
        (["plan", "--profile", "nowhere"], 1, "nowhere"),
        (["report", QUICK], 1, "results/quick/tables/results.csv"),
    ],
)
def test_success_failure_and_wrong_usage_are_told_apart(
    handgrad: Handgrad, arguments: list[str], expected: int, named: str
) -> None:
    status, out, err = handgrad(*arguments)
    assert status == expected
    (line,) = (err or out).splitlines()
    assert re.search(named, line)


def test_json_of_check_is_one_document_for_right_and_wrong_files(handgrad: Handgrad, tmp_path: Path) -> None:
    file = tmp_path / "my 'own' $x é.yaml"
    file.write_text("{name: mine, experiments: [{dataset: digits, hidden_units: [5, 6]}]}")
    entry = {"grid": 2, "zip": [], "samples": 0, "excluded": [], "repeated": 0, "runs": 2}
    facts = {"runs": {"digits": 2}, "entries": [entry], "warnings": [], "searches": []}
    right = {"file": str(file), "ok": True, "name": "mine", **facts}
    status, out, err = handgrad("check", str(file), "--json")
    assert (status, json.loads(out), err) == (0, right, "")
    file.write_text("{name: mine, experiments: [{dataset: digits, seed: -1, epochs: x}]}")
    status, out, err = handgrad("check", str(file), "--json")
    wrong = json.loads(out)
    assert (status, wrong["file"], wrong["ok"], err) == (1, str(file), False, "")
    status, out, err = handgrad("check", str(file))
    assert (status, out, err.splitlines()) == (1, "", wrong["mistakes"])
    keys = [line.removeprefix(f"{file}: ").partition(": ")[0] for line in wrong["mistakes"]]
    assert sorted(keys) == ["experiments[0].epochs", "experiments[0].seed"]


def test_check_says_what_a_file_describes_and_warns(
    handgrad: Handgrad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("experiments: [{dataset: digits, hidden_units: [5, 6]}]")
    digest = data_digest(read_experiment(file)[1].datasets["digits"])
    warning = "all 20 training images are of class 0"
    write_data(tmp_path / "results/data/digits.h5", image_data(digest=digest), [warning])
    monkeypatch.setattr("handgrad.layout.memory.machine_megabytes", lambda: 1)
    status, out, err = handgrad("check", str(file))
    assert status == 0
    assert re.fullmatch(rf"{file}: ok: 2 runs .*digits 2\)", out.strip())
    nameless, one_class, too_large = err.splitlines()
    assert nameless.startswith(f"{file}: name: missing")
    assert one_class.startswith(f"{file}: digits: {warning}")
    assert too_large.startswith(f"{file}: results/runs/digits/")
    assert "this machine has 1.0 MB" in too_large


SEARCH = """
name: mine
experiments:
  - {dataset: digits, activation: [tanh, cos], epochs: [5, 9], zip: [[activation, epochs]], seed: [0, 1, 2],
     learning_rate: {log_uniform: [0.001, 0.3]}, samples: 10, exclude: [{activation: cos, seed: [1, 2]}, {seed: 7}]}
  - {dataset: digits, activation: tanh, epochs: 5, learning_rate: {log_uniform: [0.001, 0.3]}, samples: 12}
"""


def test_check_shows_what_each_key_of_an_entry_gives_and_takes(handgrad: Handgrad, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(SEARCH)
    status, out, err = handgrad("check", str(file))
    assert (status, err) == (0, f"{file}: experiments[0].exclude[1]: leaves out no combination (warning)\n")
    assert out.splitlines()[1:] == [
        "  experiments[0]: grid 3 x zip[0] 2 x samples 10, exclude[0] -20, exclude[1] -0: 40 runs",
        "  experiments[1]: grid 1 x samples 12, repeated -10: 2 runs",
    ]
    entries = json.loads(handgrad("check", str(file), "--json")[1])["entries"]
    assert [(one["excluded"], one["repeated"], one["runs"]) for one in entries] == [([20, 0], 0, 40), ([], 10, 2)]


HALVING = """
name: mine
experiments:
  - {dataset: digits, learning_rate: {log_uniform: [0.001, 0.3]}, samples: 27, epochs: 27, validation_size: 300,
     halving: {epochs: [1, 3, 9], keep: 1/3}, finalists: {count: 1, seeds: [0, 1, 2]}}
"""


def test_check_counts_the_parts_of_a_search(handgrad: Handgrad, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(HALVING)
    status, out, err = handgrad("check", str(file))
    assert (status, err) == (0, "")
    assert "29 runs in mine (datasets: digits 29)" in out
    parts = "27 until epoch 1, 9 until epoch 3, 3 until epoch 9, 1 until epoch 27, 1 finalist x 2 more seeds"
    assert f"27 settings: {parts} (81 epochs instead of 729)" in out
    (search,) = json.loads(handgrad("check", str(file), "--json")[1])["searches"]
    assert (search["until"], search["sizes"]) == ([1, 3, 9, 27], [27, 9, 3, 1])


def test_check_warns_of_parts_of_a_search_that_do_nothing(handgrad: Handgrad, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(HALVING)
    changes = ("--set", "samples=2", "--set", "finalists={count: 1, seeds: [0]}")
    lines = handgrad("check", str(file), *changes)[2].splitlines()
    assert [line.removeprefix(f"{file}: ").partition(": ")[0] for line in lines] == [
        "experiments[0].finalists.seeds",
        "experiments[0].halving.epochs",
    ]


@pytest.mark.parametrize(
    ("changes", "runs"),
    [
        (["samples=null", "learning_rate=0.1"], 4),
        (["samples=20"], 80),
        (["seed=[0, 1]", "exclude=[]", "gradient_check.examples=7"], 40 + 4),
        (["learning_rate={uniform: [1e-3, 1]}", "checkpoint_seconds=1"], 42),
    ],
)
def test_check_tries_other_values(handgrad: Handgrad, tmp_path: Path, changes: list[str], runs: int) -> None:
    (tmp_path / "mine.yaml").write_text(SEARCH)
    options = [word for change in changes for word in ("--set", change)]
    status, out, _ = handgrad("check", str(tmp_path / "mine.yaml"), "--json", *options)
    assert (status, json.loads(out)["runs"]["digits"]) == (0, runs)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("learning_rate", "expected KEY=VALUE"),
        ("lr=1", "did you mean learning_rate?"),
        ("learning_rate.x=1", "learning_rate"),
        ("gradient_check.epsilon=5", "gradient_check.epsilon: found 5"),
        ("gradient_check.exampels=5", "did you mean examples?"),
        ("epochs=010", "YAML 1.1 reads as 8"),
        ("epochs=[", "expected a value in YAML"),
        ("epochs=", "experiments[0].epochs: found null"),
        ("samples=5", "experiments[0].samples: found 5, expected null"),
    ],
)
def test_a_wrong_value_to_try_is_named(handgrad: Handgrad, tmp_path: Path, change: str, named: str) -> None:
    (tmp_path / "mine.yaml").write_text("{name: mine, experiments: [{dataset: digits}]}")
    status, out, err = handgrad("check", str(tmp_path / "mine.yaml"), "--set", change)
    assert (status, out) == (1, "")
    assert named in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["--help"], ["check", QUICK]])
def test_help_and_check_load_no_package_that_takes_long(arguments: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "handgrad", *arguments]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    imported = set(re.findall(r"\| +(\w+)$", done.stderr, re.MULTILINE))
    assert "handgrad" in imported
    assert not imported & {"pandas", "matplotlib", "h5py", "onnx", "scipy", "sklearn", "snakemake"}


def test_a_shell_completes_the_names_of_commands() -> None:
    asked = {"_HANDGRAD_COMPLETE": "complete_bash", "COMP_WORDS": "handgrad cl", "COMP_CWORD": "1"}
    command = [sys.executable, "-m", "handgrad"]
    done = subprocess.run(command, env=ENVIRONMENT | asked, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["clean-checkpoints"]


#: a replacement for Snakemake that needs half a second to end after a signal
SNAKEMAKE = """
import pathlib, signal, sys, time
def end(*_):
    time.sleep(0.5)
    pathlib.Path("ended").touch()
    sys.exit(1)
signal.signal(signal.SIGINT, end)
signal.signal(signal.SIGTERM, end)
print("runs", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(("number", "kill"), [(signal.SIGINT, os.killpg), (signal.SIGTERM, os.kill)])
def test_a_report_that_is_stopped_lets_snakemake_end(
    tmp_path: Path, number: signal.Signals, kill: Callable[[int, int], None]
) -> None:
    table = tmp_path / paths.table("results", experiment="quick")
    table.parent.mkdir(parents=True)
    table.touch()
    (tmp_path / "snakemake.py").write_text(SNAKEMAKE)
    with subprocess.Popen(
        [sys.executable, "-m", "handgrad", "report", QUICK],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as handgrad:
        assert handgrad.stdout
        assert handgrad.stdout.readline() == b"runs\n"
        kill(handgrad.pid, number)
        assert handgrad.wait(30) == 128 + number
    assert (tmp_path / "ended").exists()


# --- clean-checkpoints ---


def test_checkpoints_are_removed_and_results_are_left(handgrad: Handgrad, tmp_path: Path) -> None:
    run, lock = tmp_path / "results/runs/mnist/af_tanh.h5", tmp_path / ".snakemake/locks/0.output.lock"
    scratch = tmp_path / "scratch"  # results/checkpoints is a link to another disk
    stale = [scratch / "mnist/af.checkpoint", scratch / "mnist/.af.checkpoint.abcdefgh.part", scratch / "of_nobody"]
    for file in (run, lock, *stale):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(500_000))
    (tmp_path / paths.CHECKPOINTS).symlink_to(scratch)
    status, _, err = handgrad("clean-checkpoints")
    assert status == 1
    assert "locked by a snakemake (0.output.lock)" in err  # it may run on another machine
    assert all(file.exists() for file in stale)
    lock.unlink()
    status, out, _ = handgrad("clean-checkpoints")
    assert status == 0
    assert "3 files removed, 1.5 MB freed" in out
    assert list(scratch.iterdir()) == []
    assert (tmp_path / paths.CHECKPOINTS).is_symlink()
    assert run.exists()
    assert "no checkpoints" in handgrad("clean-checkpoints")[1]


# --- exit status ---

PROGRAM = """
import os, signal
from handgrad.cli.command import as_command
with as_command():
    {work}
"""


def ended(work: str, *, behind: str = "", **env: str) -> tuple[int, str, str]:
    """Return the exit status, stdout and stderr of a command. behind: shell text after the command."""
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f'"$0" -c "$1" {behind}', sys.executable, PROGRAM.format(work=work)],
        env={**ENVIRONMENT, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_reader_that_has_seen_enough_gets_no_traceback() -> None:
    assert ended("[print(n) for n in range(100_000)]", behind="| head -1") == (128 + signal.SIGPIPE, "0\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_a_command_with_one_line(number: signal.Signals) -> None:
    status, _, said = ended(f"os.kill(os.getpid(), {int(number)})")
    assert status == 128 + number
    assert len(said.splitlines()) == 1


def test_what_cannot_be_encoded_ends_no_command() -> None:
    assert ended("print('\u4e2d')", PYTHONIOENCODING="ascii") == (0, "\\u4e2d\n", "")


def test_what_the_system_refuses_a_command_is_one_line() -> None:
    status, _, said = ended("open('/dev/null/x')")
    assert status == 1
    assert said.startswith("/dev/null/x: Not a directory; ")
    assert len(said.splitlines()) == 1


# --- checks before the first job ---


@pytest.mark.parametrize("path", ["results", "results/runs/mnist", "results/logs/train_run/mnist", "a.h5"])
def test_what_lacks_permission_is_said_before_a_run(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def look() -> None:
        require_writable(["snakemake"], dry=False)
        require_readable(["absent.h5", "a.h5"])

    monkeypatch.chdir(tmp_path)
    (tmp_path / "results/runs/mnist").mkdir(parents=True)
    (tmp_path / "results/logs/train_run/mnist").mkdir(parents=True)
    (tmp_path / "a.h5").touch()
    look()
    access = os.access  # root has all permissions, so os.access is replaced
    monkeypatch.setattr("os.access", lambda file, mode: str(file) != path and access(file, mode))
    with pytest.raises(PermissionError, match=f"'{path}'"):
        look()
