"""Recovery ends and removes what a killed Snakemake has left, and changes nothing else.

squeue and scancel are small scripts here, and the queue is a file. Processes, locks and files are real.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from handgrad.common.atomic import whole_file
from handgrad.common.errors import HandgradError
from handgrad.monitor import slurm as slurm_jobs
from handgrad.monitor.processes import is_job, is_main, is_submitter
from handgrad.monitor.recovery import recover

ROOT = Path(__file__).parents[2]

SQUEUE = """\
#!/bin/sh
test "$SQUEUE_STATES" && exit 3  # a default option of the user would hide jobs
for word; do case $word in --user=*) user=${word#--user=};; esac; done
sed -n "s/^$user //p" "$QUEUE"
sed -i /COMPLETING/d "$QUEUE"
"""
SCANCEL = """\
#!/bin/sh
test $# -le 2 || exit 1
for id; do sed -i "s/ $id|[A-Z]*|/ $id|COMPLETING|/" "$QUEUE"; echo $id >> "$CANCELLED"; done
"""
DEAD = "#!/bin/sh\necho 'squeue: error: no' >&2; echo 'squeue: error: slurmctld is down' >&2; exit 1\n"
BUSY = "import sys, time; print(flush=True); time.sleep(600)\n"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + BUSY
SAVING = """\
import pathlib, signal, sys
def save(*_):
    pathlib.Path("saved").touch()
    sys.exit(1)
signal.signal(signal.SIGTERM, save)
"""

SCRIPT = ".snakemake/scripts/tmp0abc_x1.train_run.py"
#: a job name from profiles/slurm
NAME = "handgrad:check_gate"

Start = Callable[..., "subprocess.Popen[str]"]


@dataclass
class Slurm:
    """A queue in a file with one job on each line, and the cancelled jobs."""

    folder: Path

    def submit(self, id: str, name: str, folder: Path, *, user: int = os.getuid()) -> None:
        with (self.folder / "queue").open("a") as file:
            file.write(f"{user} {id}|RUNNING|{name}|{folder}\n")

    def ids_cancelled(self) -> list[str]:
        return (self.folder / "cancelled").read_text().split()

    def command(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    (folder / ".snakemake").mkdir(parents=True)
    return folder


@pytest.fixture(autouse=True)
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    slurm = Slurm(tmp_path)
    for name, text in (("squeue", SQUEUE), ("scancel", SCANCEL), ("queue", ""), ("cancelled", "")):
        slurm.command(name, text)
    monkeypatch.setenv("QUEUE", str(tmp_path / "queue"))
    monkeypatch.setenv("CANCELLED", str(tmp_path / "cancelled"))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setattr(slurm_jobs, "POLL", 0.01)
    monkeypatch.setattr(slurm_jobs, "CHUNK", 2)
    return slurm


@pytest.fixture
def start() -> Iterator[Start]:
    """Return a function that starts a long-running Python script in a folder."""
    started: list[subprocess.Popen[str]] = []

    def start(cwd: Path, script: Path, *words: str, text: str = BUSY, **env: str) -> "subprocess.Popen[str]":
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(text)
        command = [sys.executable, str(script), *words]
        process = subprocess.Popen(command, cwd=cwd, env={**os.environ, **env}, text=True, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout
        process.stdout.readline()  # wait until the script runs
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def lock(folder: Path) -> Path:
    path = folder / ".snakemake/locks/0.output.lock"
    path.parent.mkdir(parents=True)
    path.write_text("results/mine/tables/results.csv\n")
    return path


# --- SLURM jobs ---


def test_own_jobs_are_cancelled_and_locks_removed_once(
    folder: Path, slurm: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQUEUE_STATES", "PENDING")
    (tmp_path / "link").symlink_to(folder)
    for id, place in (("11", folder), ("12", tmp_path / "link"), ("13_4", folder)):
        slurm.submit(id, NAME, place)
    path = lock(folder)
    lines = [*recover(folder)]
    assert {"cancelling SLURM jobs (3): 11, 12, 13_4", "locks removed (1): 0.output.lock"} <= {*lines}
    assert "snakemake --workflow-profile profiles/slurm" in lines[-1]
    assert not path.exists()
    assert slurm.ids_cancelled() == ["11", "12", "13_4"]
    assert (tmp_path / "queue").read_text() == ""  # completing jobs have left the queue too
    assert [*recover(folder)][-1] == "Nothing to recover."


def test_jobs_of_other_folders_workflows_and_users_are_left(folder: Path, slurm: Slurm, tmp_path: Path) -> None:
    for other in ("elsewhere", "here/below"):
        (tmp_path / other).mkdir()
    slurm.submit("11", "handgrad-main", tmp_path)
    for name, place, user in (
        (NAME, "elsewhere", os.getuid()),
        (NAME, "gone", os.getuid()),
        (NAME, "here/below", os.getuid()),
        ("handgrading", "here", os.getuid()),
        (f"my_{NAME}", "here", os.getuid()),
        ("interactive", "here", os.getuid()),  # a job of the user, which may contain this process
        (NAME, "here", os.getuid() + 1),
    ):
        slurm.submit("12", name, tmp_path / place, user=user)
    [*recover(folder)]
    assert slurm.ids_cancelled() == []


def test_a_job_that_does_not_go_is_named_and_nothing_is_unlocked(folder: Path, slurm: Slurm) -> None:
    slurm.command("scancel", "#!/bin/sh\necho 'scancel: error: Access denied' >&2; exit 1\n")
    slurm.submit("11", NAME, folder)
    path = lock(folder)
    with pytest.raises(HandgradError, match=r"after scancel: 11 \(RUNNING\).*scancel: error: Access denied"):
        [*recover(folder, patience=0.05)]
    assert path.exists()


def test_a_silent_queue_stops_it_only_where_jobs_were_submitted(folder: Path, slurm: Slurm) -> None:
    slurm.command("squeue", DEAD)
    assert "SLURM jobs were not checked: squeue failed" in "".join(recover(folder))
    (folder / ".snakemake/slurm_logs").mkdir()
    with pytest.raises(HandgradError, match=r"\(squeue: error: slurmctld is down\); when SLURM"):
        [*recover(folder)]


def test_the_slurm_profile_names_jobs_as_recover_expects() -> None:
    assert f"--job-name={slurm_jobs.PREFIX}{{name}}" in (ROOT / "profiles/slurm/profile.yaml").read_text()
    assert NAME.startswith(slurm_jobs.PREFIX)


# --- processes ---


@pytest.mark.parametrize("as_job", [True, False])
def test_it_refuses_while_snakemake_runs_here(
    folder: Path, slurm: Slurm, start: Start, tmp_path: Path, *, as_job: bool
) -> None:
    slurm.submit("11", NAME, folder)
    if as_job:
        slurm.submit("10", "handgrad-main", folder)
        place = "as SLURM job 10 .*scancel --batch --signal=INT 10,"
    else:
        place = f", process {start(folder, tmp_path / 'snakemake', '--cores', '2', '--mode', 'default').pid};"
    with pytest.raises(HandgradError, match=place):
        [*recover(folder)]
    assert slurm.ids_cancelled() == []


def test_jobs_left_here_may_save_and_others_are_left(
    folder: Path, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    ours = [
        start(folder, folder / SCRIPT, text=SAVING + BUSY),
        start(folder, folder / SCRIPT, SLURM_JOB_ID="7"),  # in the same SLURM job as this process
        start(folder, tmp_path / "snakemake", "--mode", "subprocess"),  # within a job
    ]
    others = [
        start(tmp_path, tmp_path / SCRIPT),  # in another checkout
        start(tmp_path, tmp_path / "snakemake", "--cores", "2"),
        start(folder, tmp_path / "analysis.py"),  # the user's own script in this folder
        start(folder, folder / SCRIPT, SLURM_JOB_ID="8"),  # SLURM ends it
    ]
    monkeypatch.setenv("PATH", str(folder))
    lines = [*recover(folder)]
    assert None not in [process.poll() for process in ours]
    assert [process.poll() for process in others] == [None] * 4
    assert (folder / "saved").exists()
    assert any(line.startswith("ending local processes (3): ") for line in lines)
    assert any(line.startswith("SLURM jobs were not checked: squeue failed") for line in lines)


def test_a_script_that_does_not_end_is_named(folder: Path, start: Start) -> None:
    process = start(folder, folder / SCRIPT, text=DEAF)
    with pytest.raises(HandgradError, match=rf"after SIGTERM: {process.pid}; end them with kill -9"):
        [*recover(folder, patience=0.05)]


SUBMITTING = """\
trap 'echo "$UID 12|PENDING|handgrad:check_gate|$PWD" >>"$QUEUE"; exit' TERM
echo
while :; do sleep 0.1; done
"""


def test_what_waits_to_submit_is_ended_before_jobs_are_cancelled(folder: Path, slurm: Slurm) -> None:
    script = folder / "profiles/slurm/submit.sh"
    script.parent.mkdir(parents=True)
    script.write_text(SUBMITTING)  # it submits a job while it ends
    open_file = folder / ".snakemake/slurm_open.0123456789"  # from a Snakemake on another machine
    open_file.touch()
    command = ["bash", "profiles/slurm/submit.sh", "--mem=300", "job"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()  # wait until the script runs
        slurm.submit("11", NAME, folder)
        [*recover(folder)]
        ended = process.poll() is not None
        process.kill()
    assert ended
    assert slurm.ids_cancelled() == ["11", "12"]
    assert not open_file.exists()


PYTHON = "/home/me/handgrad/.venv/bin/python3.11"


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (f"{PYTHON} .venv/bin/snakemake --cores 2", "main"),
        (f"{PYTHON} -m snakemake --workflow-profile profiles/slurm", "main"),
        ("python -u -m snakemake", "main"),
        ("snakemake -n", "main"),
        (f"{PYTHON} -m snakemake --snakefile Snakefile --mode remote --jobs 1", "job"),
        (f"{PYTHON} -m snakemake --mode=subprocess", "job"),
        (f"{PYTHON} /home/me/handgrad/{SCRIPT}", "job"),
        (f"vim /home/me/handgrad/{SCRIPT}", ""),
        ("less doc/snakemake", ""),
        ("grep -r snakemake .", ""),
        (f"{PYTHON} .venv/bin/handgrad recover", ""),
        ("", ""),
        ("bash profiles/slurm/submit.sh --mem=300 job", "submitter"),
        ("/usr/bin/bash profiles/slurm/sidecar.sh", "submitter"),
        ('/bin/sh -c rm -f a.h5; profiles/slurm/submit.sh --mem=300 "job"', "submitter"),
        ("sbatch --parsable --comment=slurm_open.0123456789/1 job", "submitter"),
        ("sbatch my-own-job", ""),
        ("vim profiles/slurm/submit.sh", ""),
        ("sh -c less profiles/slurm/submit.sh", ""),
        ("bash", ""),
    ],
)
def test_a_command_line_tells_what_a_process_is(command: str, kind: str) -> None:
    words = command.split()
    kinds = {"main": is_main(words), "job": is_job(words), "submitter": is_submitter(words)}
    assert [name for name, holds in kinds.items() if holds] == kind.split()


# --- files ---


def test_files_that_killed_writers_left_are_removed_and_no_others(folder: Path) -> None:
    killed = ("results/runs/digits/af.h5", "resources/mnist/images.gz", "elsewhere/af.h5")
    writers = [whole_file(folder / path) for path in killed]
    for writer in writers:
        writer.__enter__()  # never closed, as after a kill
    for path in (  # the next download continues the last one
        *("results/runs/digits/done.h5", "resources/mnist/mine.part", "results/a.part"),
        "resources/mnist/.images.gz.partial",
    ):
        with whole_file(folder / path):
            pass
    assert len(list(folder.rglob("*.part"))) == 5
    [*recover(folder)]
    kept = {path.name for path in folder.rglob("*") if path.is_file()}
    assert kept >= {"done.h5", "mine.part", "a.part", ".images.gz.partial"}
    left = [str(path.relative_to(folder).parent) for path in folder.rglob("*.part")]
    assert sorted(left) == ["elsewhere", "resources/mnist", "results"]
