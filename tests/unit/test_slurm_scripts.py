"""What profiles/slurm asks of SLURM, and what it makes of the answers; sbatch and squeue are stand-ins."""

import os
import subprocess
import time
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "profiles/slurm"

JOBSCRIPT = """#!/bin/sh
# properties = {"type": "single"}
cd /here && python -m snakemake --cores 'all' --attempt 1 --mode remote && exit 0 || exit 1
"""


class Slurm:
    """SLURM's commands, which write down how they are called."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls = folder, folder / "calls"
        (folder / "bin").mkdir()
        (folder / ".snakemake").mkdir()
        self.queue("")
        self.command("sleep", "")
        self.command("sbatch", 'echo 42; env >"$OUT/environment"')

    def command(self, name: str, body: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f'#!/bin/sh\nOUT="{self.folder}"\necho {name} "$@" >>"{self.calls}"\n{body}\n')
        path.chmod(0o755)

    def queue(self, lines: str) -> None:
        """What squeue says from now on."""
        self.command("squeue", f"printf '{lines}'")

    def does_not_answer(self) -> None:
        self.command("squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1")

    def refuses(self, why: str, times: int = 10**9) -> None:
        """What sbatch says before it takes a job."""
        taken = f'[ "$(grep -c sbatch "{self.calls}")" -gt {times} ] && {{ echo 42; exit; }}'
        self.command("sbatch", f"{taken}\necho 'sbatch: error: {why}' >&2\nexit 1")

    def questions(self) -> int:
        return self.calls.read_text().count("squeue") if self.calls.exists() else 0

    def run(self, script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, **variables}
        command = [str(SCRIPTS / script), *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def status(self, id: str) -> str:
        done = self.run("status.sh", id)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def slurm(tmp_path: Path) -> Slurm:
    return Slurm(tmp_path)


# --- status.sh ---

STATES = {
    "success": ["COMPLETED"],
    "running": ["PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED", "REQUEUE_HOLD"],
    "failed": [
        *["BOOT_FAIL", "CANCELLED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY"],
        *["PREEMPTED", "REVOKED", "SPECIAL_EXIT", "TIMEOUT", "A_STATE_TO_COME"],
    ],
}


@pytest.mark.parametrize(
    ("state", "status"), [(state, status) for status, states in STATES.items() for state in states]
)
def test_every_state_of_a_job_is_understood(slurm: Slurm, state: str, status: str) -> None:
    slurm.queue(f"6 RUNNING\\n7 {state}\\n77 RUNNING\\n")
    assert slurm.status("7") == status


def test_a_job_that_slurm_has_forgotten_has_failed(slurm: Slurm) -> None:
    slurm.queue("77 RUNNING\\n")
    assert slurm.status("7") == "failed"


def test_a_controller_that_does_not_answer_ends_no_job(slurm: Slurm) -> None:
    slurm.does_not_answer()
    assert slurm.status("7") == "running"
    slurm.queue("7 COMPLETED\\n")
    assert slurm.status("7") == "success"


def test_many_questions_are_one_for_slurm(slurm: Slurm) -> None:
    slurm.queue("".join(f"{id} RUNNING\\n" for id in range(20)))
    assert {slurm.status(str(id)) for id in range(20)} == {"running"}
    assert slurm.questions() == 1


def test_a_job_that_was_submitted_since_is_asked_for_again(slurm: Slurm) -> None:
    slurm.queue("7 RUNNING\\n")
    slurm.status("7")
    slurm.queue("7 RUNNING\\n8 PENDING\\n")
    assert slurm.status("8") == "running"


def test_an_answer_is_not_believed_for_long(slurm: Slurm) -> None:
    slurm.queue("7 RUNNING\\n")
    slurm.status("7")
    slurm.queue("7 COMPLETED\\n")
    answer = slurm.folder / ".snakemake/slurm_states"
    os.utime(answer, (time.time() - 10, time.time() - 10))
    assert slurm.status("7") == "success"


def test_no_job_is_hidden_by_its_partition_or_by_the_users_own_defaults(slurm: Slurm) -> None:
    slurm.command(
        "squeue", '[ -z "$SQUEUE_PARTITION" ] && case " $* " in *" --all "*) echo 7 RUNNING ;; esac'
    )
    slurm.run("status.sh", "7", SQUEUE_PARTITION="other")
    assert slurm.run("status.sh", "7", SQUEUE_PARTITION="other").stdout == "running\n"


# --- submit.sh ---


@pytest.fixture
def jobscript(tmp_path: Path) -> Path:
    path = tmp_path / "job script.sh"
    path.write_text(JOBSCRIPT)
    return path


def test_a_job_is_submitted_with_its_options_and_the_id_told(slurm: Slurm, jobscript: Path) -> None:
    done = slurm.run("submit.sh", "--mem=300", "--time=5", str(jobscript))
    assert (done.returncode, done.stdout) == (0, "42\n")
    call = slurm.calls.read_text().splitlines()[-1]
    assert call.startswith("sbatch --parsable --no-requeue ")
    assert call.endswith(f" --mem=300 --time=5 {jobscript}")
    assert (slurm.folder / ".snakemake/slurm_logs").is_dir()  # sbatch does not make it


@pytest.mark.parametrize("all_cores", ["all", "'all'", "4"])
def test_a_job_uses_the_cores_that_it_has_asked_for_and_goes_on_after_a_failure(
    slurm: Slurm, jobscript: Path, all_cores: str
) -> None:
    jobscript.write_text(JOBSCRIPT.replace("'all'", all_cores))
    slurm.run("submit.sh", str(jobscript))
    assert '--cores "$SLURM_CPUS_PER_TASK" --keep-going --attempt 1 ' in jobscript.read_text()
    assert jobscript.read_text().startswith("#!/bin/sh\n")


def test_the_shell_of_a_job_survives_sigterm_so_that_training_can_save(slurm: Slurm, jobscript: Path) -> None:
    command = "kill -TERM $$; echo saved # --cores all "
    jobscript.write_text(f"#!/bin/sh\n# properties\n{command}\n")
    slurm.run("submit.sh", str(jobscript))
    assert subprocess.run(["sh", jobscript], capture_output=True, check=True).stdout == b"saved\n"


def test_a_jobscript_that_is_not_as_expected_is_refused(slurm: Slurm, jobscript: Path) -> None:
    jobscript.write_text(JOBSCRIPT.replace("--cores", "--processors"))
    done = slurm.run("submit.sh", str(jobscript))
    assert done.returncode == 1
    assert "'--cores' is not in it" in done.stderr
    assert not slurm.calls.exists()


@pytest.mark.parametrize(
    "why",
    [
        "Batch job submission failed: Unable to contact slurm controller (connect failure)",
        "QOSMaxSubmitJobPerUserLimit",
        "AssocMaxSubmitJobLimit",
        "Slurm temporarily unable to accept job, sleeping and retrying",
    ],
)
def test_what_passes_is_waited_for_and_is_no_failed_attempt(slurm: Slurm, jobscript: Path, why: str) -> None:
    slurm.refuses(why, times=2)
    done = slurm.run("submit.sh", str(jobscript))
    assert (done.returncode, done.stdout) == (0, "42\n")
    assert why in done.stderr


def test_a_job_that_slurm_will_never_take_is_not_submitted_again(slurm: Slurm, jobscript: Path) -> None:
    slurm.refuses("invalid account or account/partition combination specified")
    done = slurm.run("submit.sh", str(jobscript))
    assert (done.returncode, done.stdout) == (1, "")
    assert "invalid account" in done.stderr


def test_the_id_is_told_without_the_name_of_the_cluster(slurm: Slurm, jobscript: Path) -> None:
    slurm.command("sbatch", "echo '42;north'")
    assert slurm.run("submit.sh", str(jobscript)).stdout == "42\n"


def test_what_a_job_around_snakemake_was_given_is_not_handed_on(slurm: Slurm, jobscript: Path) -> None:
    given = {"SLURM_MEM_PER_CPU": "100", "SLURM_CONF": "/conf", "SBATCH_ACCOUNT": "mine"}
    slurm.run("submit.sh", str(jobscript), **given)
    environment = (slurm.folder / "environment").read_text()
    assert "SLURM_MEM_PER_CPU" not in environment
    assert "SLURM_CONF=/conf\n" in environment  # where the cluster is
    assert "SBATCH_ACCOUNT=mine\n" in environment  # what the user has chosen
