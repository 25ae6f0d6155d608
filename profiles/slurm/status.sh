#!/usr/bin/env bash
# What Snakemake asks about a job it has submitted (profile.yaml): status.sh ID. Prints running, success or failed.
set -euo pipefail
trap '' INT # Ctrl-C in a terminal reaches this too; Snakemake, which it is meant for, takes a question that died badly
states=.snakemake/slurm_states # of all jobs of this user, so that many questions are one for SLURM

# without the defaults that the user may have set, which could hide jobs; so could a partition that is hidden
unset ${!SQUEUE_*} ${!SCANCEL_*}

# The first line says when, by this machine's clock: the file's own time may be that of a file server.
ask_slurm() {
    { date +%s && squeue --me --all --states=all --noheader --format='%A %T %r'; } >"$states.$$" &&
        mv "$states.$$" "$states"
}

is_fresh() {
    local asked age
    read -r asked 2>/dev/null <"$states" || return 1
    age=$(($(date +%s) - asked))
    ((0 <= age && age < 5))
}

# its state, and the reason why it has that
state_of() {
    sed -n "s/^$1 //p" "$states"
}

if ! is_fresh || [ -z "$(state_of "$1")" ]; then
    # a controller that does not answer is no news of the job: it is asked again the next time
    ask_slurm || { rm -f "$states.$$"; echo running; exit; }
fi
state=$(state_of "$1")
case $state in
COMPLETED*) echo success ;;
# It asks for more than SLURM will ever give it, and would wait for ever. (PartitionNodeLimit is not among these: it can
# also mean that nodes are down.)
PENDING\ PartitionTimeLimit | PENDING\ *PerJob* | PENDING\ BadConstraints | PENDING\ AccountNotAllowed | PENDING\ QOSNotAllowed)
    echo "$0: job $1 can never start (${state#* }) and is cancelled: see the limits of your partition or account" >&2
    scancel "$1" || true
    echo failed
    ;;
PENDING* | CONFIGURING* | RUNNING* | COMPLETING* | SUSPENDED* | STOPPED* | RESIZING* | SIGNALING* | STAGE_OUT* | REQUEUE*)
    echo running
    ;;
# cancelled, timed out, preempted, of a node that died, or so long gone that SLURM has forgotten it
*) echo failed ;;
esac
