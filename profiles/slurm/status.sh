#!/usr/bin/env bash
# What Snakemake asks about a job it has submitted (profile.yaml): status.sh ID. Prints running, success or failed.
set -euo pipefail
states=.snakemake/slurm_states # of all jobs of this user, so that many questions are one for SLURM

# without the defaults that the user may have set for squeue, which could hide jobs; so could a partition that is hidden
unset ${!SQUEUE_*}

ask_slurm() {
    squeue --me --all --states=all --noheader --format='%A %T' >"$states.$$" && mv "$states.$$" "$states"
}

state_of() {
    sed -n "s/^$1 //p" "$states"
}

if [ -z "$(find "$states" -newermt '-5 seconds' 2>/dev/null)" ] || [ -z "$(state_of "$1")" ]; then
    # a controller that does not answer is no news of the job: it is asked again the next time
    ask_slurm || { rm -f "$states.$$"; echo running; exit; }
fi
case $(state_of "$1") in
COMPLETED) echo success ;;
PENDING | CONFIGURING | RUNNING | COMPLETING | SUSPENDED | STOPPED | RESIZING | SIGNALING | STAGE_OUT | REQUEUE*)
    echo running
    ;;
# cancelled, timed out, preempted, of a node that died, or so long gone that SLURM has forgotten it
*) echo failed ;;
esac
