#!/usr/bin/env bash
# What Snakemake asks about a job it has submitted (profile.yaml): status.sh ID. Prints running, success or failed.
set -euo pipefail
# Ctrl-C in a terminal, and its closing, reach this too; Snakemake, which they are meant for, takes a question that died badly
trap '' INT HUP
. "${0%/*}/queue.sh"
job=$1 cluster=
[[ $job != *@* ]] || cluster=${job##*@}
states=.snakemake/slurm_states${cluster:+@$cluster} # of all jobs of this user, so that many questions are one for SLURM
silent=.snakemake/slurm_silent                      # since when squeue fails; a second line when that has been said

# The first line says when, by this machine's clock: the file's own time may be that of a file server.
ask_squeue() {
    if { date +%s && own_jobs "$cluster" all '%T %r'; } >"$states.$$" 2>"$states.said"; then
        mv "$states.$$" "$states"
        rm -f "$silent"
    else
        rm -f "$states.$$"
        return 1
    fi
}

is_fresh() {
    local asked age
    read -r asked 2>/dev/null <"$states" || return 1
    age=$(($(date +%s) - asked))
    ((0 <= age && age < 5))
}

# its state, and the reason why it has that
state_of() {
    sed -n "s/^$job //p" "$states"
}

# Of one job alone. squeue may fail for good, or be a wrapper that repeats an earlier answer, which lacks new jobs.
ask_scontrol() {
    local answer status=0
    answer=$(ask scontrol ${cluster:+--clusters="$cluster"} --oneliner show job "${job%@*}" 2>&1) || status=$?
    ((status != 124 && status != 137)) || answer='error: timed out'
    without_colours <<<"$answer" |
        sed -nE -e 's/.*\bJobState=([A-Z_]+) Reason=([^ ]*).*/\1 \2/p' -e 's/.*Invalid job id.*/FORGOTTEN/p' \
            -e "s/.*$away.*/AWAY/p" | tail -n 1
}

# Says once that squeue fails, when it has failed for a minute.
say_silence() {
    local since said=
    [ -e "$silent" ] || date +%s >"$silent"
    { read -r since && read -r said || true; } <"$silent"
    if [ -z "$said" ] && (($(date +%s) - since >= 60)); then
        echo said >>"$silent"
        echo "$0: squeue has failed for a minute ($(tail -n 1 "$states.said")); $1. Does 'squeue --user=$UID' work here?" >&2
    fi
}

state=
! is_fresh || state=$(state_of)
if [ -z "$state" ]; then
    if ask_squeue; then
        state=$(state_of)
        [ -n "$state" ] || state=$(ask_scontrol)
        [ "$state" != AWAY ] || { echo running; exit; }
    else
        state=$(ask_scontrol)
        case $state in
        # a controller that does not answer is no news of the job: it is asked again the next time
        '' | AWAY) say_silence 'jobs are taken to run until it answers'; echo running; exit ;;
        *) say_silence 'scontrol is asked instead, once for each job' ;;
        esac
    fi
fi
case $state in
COMPLETED*) echo success ;;
# It asks for more than SLURM will ever give it, and would wait for ever. (PartitionNodeLimit is not among these: it can
# also mean that nodes are down.)
PENDING\ PartitionTimeLimit | PENDING\ *PerJob* | PENDING\ BadConstraints | PENDING\ AccountNotAllowed | PENDING\ QOSNotAllowed)
    echo "$0: job $job can never start (${state#* }) and is cancelled: see the limits of your partition or account" >&2
    cancel "$job"
    echo failed
    ;;
PENDING* | CONFIGURING* | RUNNING* | COMPLETING* | SUSPENDED* | STOPPED* | RESIZING* | SIGNALING* | STAGE_OUT* | REQUEUE*)
    echo running
    ;;
# cancelled, timed out, preempted, of a node that died, or so long gone that SLURM has forgotten it
*) echo failed ;;
esac
