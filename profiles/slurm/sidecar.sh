#!/usr/bin/env bash
# Works beside Snakemake (profile.yaml) and cancels what it leaves in the queue at its end: after Ctrl-C, and when it was
# killed. Snakemake itself cancels only jobs that it is not asking about just then, with many jobs hardly any.
set -euo pipefail
snakemake=$PPID
# Ctrl-C in a terminal, and its closing, reach all that runs in it; Snakemake sends TERM at its end, whatever the end is
trap '' INT HUP
over=
trap 'over=yes' TERM
unset ${!SQUEUE_*} ${!SCANCEL_*} # defaults of the user's, which could hide jobs

# As long as this file is there, jobs may be submitted, and its name is in the comment of each (submit.sh). Nothing else is
# said on stdout, nor is it closed: Snakemake would read it over and over again.
open=$(mktemp .snakemake/slurm_open.XXXXXXXXXX)
echo "$open"
tag=${open##*/}

snakemake_lives() {
    local parent
    read -r _ _ _ parent _ <"/proc/$$/stat" # not kill -0, to which a dead process may answer
    [ "$parent" = "$snakemake" ]
}
while [ -z "$over" ] && snakemake_lives; do
    sleep 1 >/dev/null &
    wait $! || true # TERM ends the wait
done

rm -f "$open"
left() {
    squeue --me --all --states=PENDING,CONFIGURING,RUNNING,SUSPENDED --noheader --format='%A %k' |
        sed -n "s/^\([0-9]*\) $tag\/.*/\1/p"
}
for _ in {1..60}; do
    # a submission that is under way may add a job
    if ! pgrep -f -- "--comment=$tag/" >/dev/null && ids=$(left); then
        [ -n "$ids" ] || exit 0
        xargs -n 500 scancel --quiet <<<"$ids" >&2 || true # one that has ended meanwhile is no error
    fi
    sleep 1 >/dev/null
done
echo "$0: jobs may be left in the queue, since SLURM does not answer; 'make recover' will cancel them" >&2
exit 1
