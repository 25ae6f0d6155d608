#!/usr/bin/env bash
# Run next to Snakemake (profile.yaml). When Snakemake ends or is killed, cancel the jobs that it leaves in the queue.
# Snakemake itself does not cancel the jobs whose state it is checking at that moment. With many jobs, these are almost all.
set -euo pipefail
snakemake=$PPID
# Ctrl-C and the closing of a terminal reach all processes of the terminal. Snakemake always sends TERM when it ends.
trap '' INT HUP
over=
trap 'over=yes' TERM
. "${0%/*}/queue.sh"

# submit.sh submits jobs only while this file exists and is empty. A line in the file gives the reason for a refusal. The
# comment of each job contains the file name. The script prints only this name on stdout. It keeps stdout open, because
# Snakemake reads a closed stdout in an endless loop.
open=$(mktemp .snakemake/slurm_open.XXXXXXXXXX)
tag=${open##*/}
said=$(mktemp)
trap 'rm -f "$said"' EXIT
left() { jobs_with PENDING,CONFIGURING,RUNNING,SUSPENDED "$tag/.*" 2>"$said"; }

# If squeue does not work, no job is submitted, because nothing could check its state.
refused=
if ! left >/dev/null && ! grep -qE "$away" "$said"; then
    echo "$0: squeue does not work here ($(tail -n 1 "$said")), so no job is submitted;" \
        "make 'squeue --user=$UID --all --states=all --format=%A' work" >"$open"
    refused=yes
fi
echo "$open"

snakemake_lives() {
    local parent
    read -r _ _ _ parent _ <"/proc/$$/stat" # kill -0 may also succeed for a dead process
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
    # a running submission may still add a job
    if ! pgrep -f -- "--comment=$tag/" >/dev/null && ids=$(left); then
        [ -n "$ids" ] || exit 0
        while read -r cluster; do
            own=$(sed -n "/^[0-9]*${cluster:+@$cluster}\$/p" <<<"$ids")
            while read -r -a some; do [ -z "${some[*]}" ] || cancel "${some[@]}"; done < <(xargs -n 500 <<<"$own")
        done < <(clusters)
    fi
    ((SECONDS < 120)) || break # if SLURM's commands hang, each call takes a minute
    sleep 1 >/dev/null
done
echo "$0: SLURM does not answer ($(tail -n 1 "$said")), so jobs may be left in the queue;" \
    "run 'handgrad recover' when squeue works again" >&2
exit 1
