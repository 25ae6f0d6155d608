"""make recover: what a dead snakemake has left is ended and tidied up, and nothing else is touched.

squeue and scancel are small scripts here, over a queue that is a file; processes, locks and files are real.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import recover_workflow
from recover_workflow import is_helper, is_job, is_main, jobname_prefix, main

from handgrad.common.atomic import whole_file
from handgrad.common.errors import HandgradError

SQUEUE = """\
#!/bin/sh
test "$SQUEUE_STATES" && exit 3  # a default of the user's that would hide jobs
for word; do case $word in --user=*) user=${word#--user=};; esac; done
sed -n "s/^$user //p" "$QUEUE"
sed -i /COMPLETING/d "$QUEUE"
"""
SCANCEL = """\
#!/bin/sh
for id; do sed -i "s/ $id|[A-Z]*|/ $id|COMPLETING|/" "$QUEUE"; echo $id >> "$CANCELLED"; done
"""
DEAD = "#!/bin/sh\necho 'squeue: error: no' >&2; echo 'squeue: error: slurmctld is down' >&2; exit 1\n"
BUSY = "import sys, time; print(flush=True); time.sleep(600)\n"

Start = Callable[..., "subprocess.Popen[str]"]


#: as profiles/slurm names the jobs of a rule
NAME = "handgrad:check_gate"


@dataclass
class Slurm:
    """A queue in a file, a job a line, and what was cancelled."""

    bin: Path
    queue: Path
    cancelled: Path

    def submit(self, id: str, name: str, folder: Path | str, *, user: int = os.getuid()) -> None:
        with self.queue.open("a") as file:
            file.write(f"{user} {id}|RUNNING|{name}|{folder}\n")

    def ids_cancelled(self) -> list[str]:
        return self.cancelled.read_text().split()

    def command(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    slurm = Slurm(tmp_path / "bin", tmp_path / "queue", tmp_path / "cancelled")
    slurm.bin.mkdir()
    slurm.queue.touch()
    slurm.cancelled.touch()
    slurm.command("squeue", SQUEUE)
    slurm.command("scancel", SCANCEL)
    monkeypatch.setenv("QUEUE", str(slurm.queue))
    monkeypatch.setenv("CANCELLED", str(slurm.cancelled))
    monkeypatch.setenv("PATH", f"{slurm.bin}:{os.environ['PATH']}")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setattr(recover_workflow, "POLL", 0.01)
    return slurm


@pytest.fixture
def start() -> Iterator[Start]:
    """Start Python on a script that is at work for long, in a folder."""
    started: list[subprocess.Popen[str]] = []

    def start(cwd: Path, script: Path, *words: str, text: str = BUSY, **env: str) -> "subprocess.Popen[str]":
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(text)
        command = [sys.executable, str(script), *words]
        process = subprocess.Popen(command, cwd=cwd, env={**os.environ, **env}, text=True, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout
        process.stdout.readline()  # it is at work
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def script_of(folder: Path) -> Path:
    return folder / ".snakemake/scripts/tmp0abc_x1.train_run.py"


def test_with_nothing_left_it_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(folder)
    assert capsys.readouterr().out.endswith("There was nothing to recover.\n")


def test_own_jobs_are_cancelled_and_waited_for(folder: Path, slurm: Slurm, capsys: pytest.CaptureFixture[str]) -> None:
    for id in ("11", "12", "13_4"):
        slurm.submit(id, NAME, folder)
    main(folder)
    assert slurm.ids_cancelled() == ["11", "12", "13_4"]
    assert slurm.queue.read_text() == ""  # also those that were completing
    assert "cancelling SLURM jobs (3): 11, 12, 13_4\n" in capsys.readouterr().out
    main(folder)
    assert capsys.readouterr().out.endswith("There was nothing to recover.\n")


def test_a_job_of_this_folder_is_known_by_any_path_to_it(folder: Path, slurm: Slurm, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    slurm.submit("11", NAME, tmp_path / "link")
    main(folder)
    assert slurm.ids_cancelled() == ["11"]


@pytest.mark.parametrize(
    ("name", "place", "user"),
    [
        (NAME, "elsewhere", os.getuid()),
        (NAME, "gone", os.getuid()),
        (NAME, "here/below", os.getuid()),
        ("handgrading", "here", os.getuid()),
        (f"my_{NAME}", "here", os.getuid()),
        ("interactive", "here", os.getuid()),  # a job of the user's own, perhaps the one we are in
        (NAME, "here", os.getuid() + 1),
    ],
)
def test_another_checkouts_workflows_or_users_jobs_are_left(
    folder: Path, slurm: Slurm, tmp_path: Path, name: str, place: str, user: int
) -> None:
    for other in ("elsewhere", "here/below"):
        (tmp_path / other).mkdir()
    slurm.submit("11", name, tmp_path / place, user=user)
    main(folder)
    assert slurm.ids_cancelled() == []


def test_the_users_defaults_for_squeue_hide_no_job(folder: Path, slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQUEUE_STATES", "PENDING")
    slurm.submit("11", NAME, folder)
    main(folder)
    assert slurm.ids_cancelled() == ["11"]


def test_many_jobs_are_cancelled_in_several_commands(
    folder: Path, slurm: Slurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recover_workflow, "CHUNK", 2)
    slurm.command("scancel", SCANCEL + 'test $# -le 2 || exit 1; echo end >> "$CANCELLED"\n')
    for id in range(11, 16):
        slurm.submit(str(id), NAME, folder)
    main(folder)
    assert slurm.ids_cancelled() == ["11", "12", "end", "13", "14", "end", "15", "end"]


def test_a_job_that_does_not_go_is_named_and_nothing_is_unlocked(folder: Path, slurm: Slurm) -> None:
    slurm.command("scancel", "#!/bin/sh\necho 'scancel: error: Access denied' >&2; exit 1\n")
    slurm.submit("11", NAME, folder)
    (folder / ".snakemake/locks").mkdir(parents=True)
    (folder / ".snakemake/locks/0.output.lock").touch()
    with pytest.raises(HandgradError, match=r"after scancel: 11 \(RUNNING\).*scancel: error: Access denied"):
        main(folder, patience=0.05)
    assert (folder / ".snakemake/locks/0.output.lock").exists()


def test_a_queue_that_does_not_answer_stops_it_where_jobs_were_submitted(folder: Path, slurm: Slurm) -> None:
    slurm.command("squeue", DEAD)
    (folder / ".snakemake/slurm_logs").mkdir(parents=True)
    with pytest.raises(HandgradError, match=r"\(squeue: error: slurmctld is down\); when SLURM"):
        main(folder)


def test_a_queue_that_does_not_answer_is_told_where_none_was_submitted(
    folder: Path, slurm: Slurm, capsys: pytest.CaptureFixture[str]
) -> None:
    slurm.command("squeue", DEAD)
    main(folder)
    said = capsys.readouterr().out
    assert "No SLURM jobs were looked for: squeue failed" in said


def test_it_refuses_while_snakemake_is_at_work_here_as_a_job(folder: Path, slurm: Slurm) -> None:
    slurm.submit("10", "handgrad-main", folder)
    slurm.submit("11", NAME, folder)
    with pytest.raises(HandgradError, match=r"as SLURM job 10 .*scancel --batch --signal=INT 10"):
        main(folder)
    assert slurm.ids_cancelled() == []


def test_a_main_snakemake_of_another_folder_is_no_reason_to_refuse(folder: Path, slurm: Slurm, tmp_path: Path) -> None:
    slurm.submit("10", "handgrad-main", tmp_path)
    slurm.submit("11", NAME, folder)
    main(folder)
    assert slurm.ids_cancelled() == ["11"]


def test_without_squeue_what_is_local_is_recovered(
    folder: Path, start: Start, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    process = start(folder, script_of(folder))
    monkeypatch.setenv("PATH", str(folder))
    main(folder)
    assert process.poll() is not None
    assert "squeue is not on the PATH: no SLURM jobs were looked for\n" in capsys.readouterr().out


def test_the_prefix_is_that_of_the_slurm_profile(tmp_path: Path) -> None:
    profile = tmp_path / "profile.yaml"
    profile.write_text("cluster-generic-submit-cmd: submit.sh --job-name=mine:{name} --mem=5\n")
    assert jobname_prefix(profile) == "mine:"
    profile.write_text("jobs: 100\n")
    with pytest.raises(HandgradError, match="cluster-generic-submit-cmd"):
        jobname_prefix(profile)
    assert NAME.startswith(jobname_prefix(recover_workflow.ROOT / recover_workflow.PROFILE))


@pytest.mark.parametrize("mode", [[], ["--mode", "default"]])
def test_it_refuses_while_snakemake_is_at_work_here(
    folder: Path, slurm: Slurm, start: Start, tmp_path: Path, mode: list[str]
) -> None:
    slurm.submit("11", NAME, folder)
    script = start(folder, script_of(folder))
    process = start(folder, tmp_path / "snakemake", "--cores", "2", *mode)
    with pytest.raises(HandgradError, match=rf"snakemake is at work here, process {process.pid} \("):
        main(folder)
    assert slurm.ids_cancelled() == []
    assert script.poll() is None


def test_a_snakemake_at_work_elsewhere_does_not_matter(folder: Path, start: Start, tmp_path: Path) -> None:
    process = start(tmp_path, tmp_path / "snakemake", "--cores", "2")
    main(folder)
    assert process.poll() is None


KEEPING = """\
import pathlib, signal, sys, time
def keep(*_):
    pathlib.Path("kept").touch()
    sys.exit(1)
signal.signal(signal.SIGTERM, keep)
print(flush=True)
time.sleep(600)
"""


def test_scripts_left_here_may_keep_what_they_have_and_are_waited_for(
    folder: Path, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    process = start(folder, script_of(folder), text=KEEPING)
    main(folder)
    assert process.poll() is not None
    assert (folder / "kept").exists()
    assert f"ending local processes (1): {process.pid}\n" in capsys.readouterr().out


def test_a_snakemake_within_a_job_is_ended_too(folder: Path, start: Start, tmp_path: Path) -> None:
    process = start(folder, tmp_path / "snakemake", "--mode", "subprocess")
    main(folder)
    assert process.poll() is not None


def test_other_processes_are_left(folder: Path, start: Start, tmp_path: Path) -> None:
    processes = [
        start(tmp_path, script_of(tmp_path)),  # of another checkout
        start(folder, tmp_path / "analysis.py"),  # the user's own work here
        start(folder, script_of(folder), SLURM_JOB_ID="7"),  # SLURM ends it
    ]
    main(folder)
    assert [process.poll() for process in processes] == [None, None, None]


def test_a_script_of_the_slurm_job_in_which_it_is_given_is_ended(
    folder: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    process = start(folder, script_of(folder), SLURM_JOB_ID="7")
    main(folder)
    assert process.poll() is not None


def test_a_script_that_does_not_end_is_named(folder: Path, start: Start) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + BUSY
    process = start(folder, script_of(folder), text=deaf)
    with pytest.raises(HandgradError, match=rf"after SIGTERM: {process.pid}; end them with kill -9"):
        main(folder, patience=0.05)


SUBMITTING = """\
trap 'echo "$UID 12|PENDING|handgrad:check_gate|$PWD" >>"$QUEUE"; exit' TERM
echo
while :; do sleep 0.1; done
"""


def test_what_still_waits_to_submit_is_ended_before_the_jobs_are_cancelled(
    folder: Path, slurm: Slurm, capsys: pytest.CaptureFixture[str]
) -> None:
    script = folder / "profiles/slurm/submit.sh"
    script.parent.mkdir(parents=True)
    script.write_text(SUBMITTING)  # at its end, it has just submitted one
    command = ["bash", "profiles/slurm/submit.sh", "--mem=300", "job"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()  # it is at work
        slurm.submit("11", NAME, folder)
        main(folder)
        ended = process.poll() is not None
        process.kill()
    assert ended
    assert slurm.ids_cancelled() == ["11", "12"]
    assert f"ending local processes (1): {process.pid}\n" in capsys.readouterr().out


def test_what_waits_to_submit_elsewhere_is_told_to_stop(folder: Path) -> None:
    open_file = folder / ".snakemake/slurm_open.0123456789"
    open_file.parent.mkdir()
    open_file.touch()
    main(folder)
    assert not open_file.exists()


@pytest.mark.parametrize(
    ("command", "helper"),
    [
        (["bash", "profiles/slurm/submit.sh", "--mem=300", "job"], True),
        (["/usr/bin/bash", "profiles/slurm/sidecar.sh"], True),
        (["/bin/sh", "-c", 'rm -f a.h5 b.h5; profiles/slurm/submit.sh --mem=300 "job"'], True),
        (["sh", "-c", 'profiles/slurm/submit.sh --mem=300 "job"'], True),
        (["sbatch", "--parsable", "--comment=slurm_open.0123456789/1", "job"], True),
        (["sbatch", "my-own-job"], False),
        (["vim", "profiles/slurm/submit.sh"], False),
        (["sh", "-c", "less profiles/slurm/submit.sh"], False),
        (["bash"], False),
        ([], False),
    ],
)
def test_a_command_line_tells_what_submits(command: list[str], helper: bool) -> None:
    assert is_helper(command) == helper
    assert not is_main(command)


PYTHON = "/home/me/handgrad/.venv/bin/python3.11"


@pytest.mark.parametrize(
    ("command", "main_or_job"),
    [
        (f"{PYTHON} .venv/bin/snakemake --cores 2", "main"),
        (f"{PYTHON} -m snakemake --workflow-profile profiles/slurm", "main"),
        ("python -u -m snakemake", "main"),
        ("snakemake -n", "main"),
        (f"{PYTHON} -m snakemake --snakefile Snakefile --mode remote --jobs 1", "job"),
        (f"{PYTHON} -m snakemake --mode=subprocess", "job"),
        (f"{PYTHON} /home/me/handgrad/.snakemake/scripts/tmp0abc_x1.train_run.py", "job"),
        ("vim /home/me/handgrad/.snakemake/scripts/tmp0abc_x1.train_run.py", ""),
        ("less doc/snakemake", ""),
        ("grep -r snakemake .", ""),
        (f"{PYTHON} scripts/recover_workflow.py", ""),
        ("", ""),
    ],
)
def test_a_command_line_tells_what_a_process_is(command: str, main_or_job: str) -> None:
    words = command.split()
    assert (is_main(words), is_job(words)) == (main_or_job == "main", main_or_job == "job")


def test_files_that_killed_writers_left_are_removed_and_no_others(folder: Path) -> None:
    killed = "import os; from handgrad.common.atomic import whole_file as w\nwith w('{}'): os.kill(os.getpid(), 9)"
    for path in ("results/runs/digits/af.h5", "resources/mnist/images.gz", "elsewhere/af.h5"):
        code = killed.format(folder / path)
        env = {**os.environ, "PYTHONPATH": str(recover_workflow.ROOT / "scripts")}
        done = subprocess.run([sys.executable, "-c", code], env=env, check=False)
        assert done.returncode == -signal.SIGKILL
    arrived = "resources/mnist/.images.gz.partial"  # the next download continues it
    for path in ("results/runs/digits/done.h5", "resources/mnist/mine.part", "results/a.part", arrived):
        with whole_file(folder / path):
            pass
    assert len(list(folder.rglob("*.part"))) == 5
    main(folder)
    kept = {path.name for path in folder.rglob("*") if path.is_file()}
    assert kept >= {"done.h5", "mine.part", "a.part", ".images.gz.partial"}
    left = [str(path.relative_to(folder).parent) for path in folder.rglob("*.part")]
    assert sorted(left) == ["elsewhere", "resources/mnist", "results"]


def test_locks_are_removed_whichever_experiment_set_them(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(recover_workflow.ROOT / "config", folder / "config")
    locks = folder / ".snakemake/locks"
    locks.mkdir(parents=True)
    for kind in ("input", "output"):
        (locks / f"0.{kind}.lock").write_text("results/mine/tables/results.csv\n")
    main(folder)
    assert not list(locks.glob("*"))
    said = capsys.readouterr().out
    assert "locks removed (2): 0.input.lock, 0.output.lock\n" in said
    assert "snakemake --workflow-profile profiles/slurm" in said.splitlines()[-1]


def test_a_mistake_is_one_line_and_exit_1(folder: Path, slurm: Slurm) -> None:
    slurm.command("squeue", DEAD)
    (folder / ".snakemake/slurm_logs").mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, str(recover_workflow.ROOT / "scripts/recover_workflow.py")],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "make recover: squeue failed, exit status 1 (squeue: error: slurmctld is down); when SLURM answers, try again\n"
    )


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("recover", "There was nothing to recover."),
        ("clean-checkpoints", "results/checkpoints: no checkpoints"),
    ],
)
@pytest.mark.parametrize("installed_in", [".venv/bin", "conda/bin"])
def test_make_uses_the_python_of_the_installation_and_makes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, said: str, installed_in: str
) -> None:
    for part in ("Makefile", "scripts", "profiles", "requirements.txt"):
        source = recover_workflow.ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / part)
    python = tmp_path / installed_in / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "{installed_in}"\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    if installed_in != ".venv/bin":  # it is active
        monkeypatch.setenv("PATH", f"{python.parent}:{os.environ['PATH']}")
    for key in ("MAKELEVEL", "MAKEFLAGS", "MFLAGS"):
        monkeypatch.delenv(key, raising=False)
    done = subprocess.run(["make", target], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert (lines[0], lines[-1]) == (installed_in, said)
    assert (tmp_path / ".venv").exists() == (installed_in == ".venv/bin")
