#!/usr/bin/env bash
# Print the state of a submitted job for Snakemake (profile.yaml): status.sh ID prints running, success or failed.
set -euo pipefail
# Ctrl-C and the closing of a terminal also reach this script, but only Snakemake must react. It cannot handle a status
# command that was killed.
trap '' INT HUP
. "${0%/*}/queue.sh"
job=$1 cluster=
[[ $job != *@* ]] || cluster=${job##*@}
states=.snakemake/slurm_states${cluster:+@$cluster} # all jobs of this user, so that one squeue serves many calls
silent=.snakemake/slurm_silent                      # the time of squeue's first failure; a second line if reported

# The first line of $states is the time by the clock of this machine. A file server may set a different file time.
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

# Print the state of the job and SLURM's reason for it.
state_of() {
    sed -n "s/^$job //p" "$states"
}

# Ask about one job. This is needed if squeue always fails, or if a wrapper repeats an old answer without new jobs.
ask_scontrol() {
    local answer status=0
    answer=$(ask scontrol ${cluster:+--clusters="$cluster"} --oneliner show job "${job%@*}" 2>&1) || status=$?
    ((status != 124 && status != 137)) || answer='error: timed out'
    without_colours <<<"$answer" |
        sed -nE -e 's/.*\bJobState=([A-Z_]+) Reason=([^ ]*).*/\1 \2/p' -e 's/.*Invalid job id.*/FORGOTTEN/p' \
            -e "s/.*$away.*/AWAY/p" | tail -n 1
}

# Report once that squeue has failed for a minute.
say_silence() {
    local since said=
    [ -e "$silent" ] || date +%s >"$silent"
    { read -r since && read -r said || true; } <"$silent"
    if [ -z "$said" ] && (($(date +%s) - since >= 60)); then
        echo said >>"$silent"
        echo "$0: squeue has failed for a minute ($(tail -n 1 "$states.said")); $1; make 'squeue --user=$UID' work here" >&2
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
        # without an answer of the controller, the state is unknown: the next call asks again
        '' | AWAY) say_silence 'jobs count as running until SLURM answers'; echo running; exit ;;
        *) say_silence 'scontrol is called for each job instead' ;;
        esac
    fi
fi
case $state in
COMPLETED*) echo success ;;
# The job requests more than SLURM can ever give, so it would wait forever. (PartitionNodeLimit is not in this list, because
# it can also mean that nodes are down.)
PENDING\ PartitionTimeLimit | PENDING\ *PerJob* | PENDING\ BadConstraints | PENDING\ AccountNotAllowed | PENDING\ QOSNotAllowed)
    echo "$0: job $job can never start (${state#* }) and is cancelled; check the limits of your partition or account" >&2
    cancel "$job"
    echo failed
    ;;
PENDING* | CONFIGURING* | RUNNING* | COMPLETING* | SUSPENDED* | STOPPED* | RESIZING* | SIGNALING* | STAGE_OUT* | REQUEUE*)
    echo running
    ;;
# cancelled, timed out, preempted, lost with its node, or forgotten by SLURM
*) echo failed ;;
esac
