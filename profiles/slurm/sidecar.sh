#!/usr/bin/env bash
# Works beside Snakemake (profile.yaml) and cancels what it leaves in the queue at its end: after Ctrl-C, and when it was
# killed. Snakemake itself cancels only jobs that it is not asking about just then, with many jobs hardly any.
set -euo pipefail
snakemake=$PPID
# Ctrl-C in a terminal, and its closing, reach all that runs in it; Snakemake sends TERM at its end, whatever the end is
trap '' INT HUP
over=
trap 'over=yes' TERM
. "${0%/*}/queue.sh"

# As long as this file is there and empty, jobs may be submitted, and its name is in the comment of each (submit.sh); a
# line in it says why not. Nothing else is said on stdout, nor is it closed: Snakemake would read it over and over again.
open=$(mktemp .snakemake/slurm_open.XXXXXXXXXX)
tag=${open##*/}
said=$(mktemp)
trap 'rm -f "$said"' EXIT
left() { jobs_with PENDING,CONFIGURING,RUNNING,SUSPENDED "$tag/.*" 2>"$said"; }

# A job that nobody can ask about is not submitted.
refused=
if ! left >/dev/null && ! grep -qE "$away" "$said"; then
    echo "$0: squeue does not work here ($(tail -n 1 "$said")), so no job is submitted;" \
        "'squeue --user=$UID --all --states=all --format=%A' must" >"$open"
    refused=yes
fi
echo "$open"

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
[ -z "$refused" ] || exit 0
SECONDS=0
for _ in {1..60}; do
    # a submission that is under way may add a job
    if ! pgrep -f -- "--comment=$tag/" >/dev/null && ids=$(left); then
        [ -n "$ids" ] || exit 0
        while read -r cluster; do
            own=$(sed -n "/^[0-9]*${cluster:+@$cluster}\$/p" <<<"$ids")
            while read -r -a some; do [ -z "${some[*]}" ] || cancel "${some[@]}"; done < <(xargs -n 500 <<<"$own")
        done < <(clusters)
    fi
    ((SECONDS < 120)) || break # where SLURM's commands hang, each takes a minute
    sleep 1 >/dev/null
done
echo "$0: jobs may be left in the queue, since SLURM does not answer ($(tail -n 1 "$said")); 'handgrad recover' will cancel them" >&2
exit 1
