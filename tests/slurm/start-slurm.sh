#!/usr/bin/env bash
# Start a SLURM cluster of our own on this machine: FOLDER holds all of it, and only this machine reaches it.
#     tests/slurm/start-slurm.sh FOLDER
#     export SLURM_CONF=FOLDER/etc/slurm.conf
#     tests/slurm/stop-slurm.sh FOLDER
# Tried on Debian 12. Installs Debian's SLURM where it is missing, so it needs root.
# Exit status 77: SLURM cannot be had here, and the last line says why.
set -Eeuo pipefail

folder=${1:?the folder of the cluster}
packages=(slurmctld slurmd slurm-client munge)
daemons=(slurmctld slurmd munged)

cannot() {
    echo "$*" >&2
    exit 77
}

# Run a command until it succeeds, for so many seconds at most.
until_ok() {
    local end=$((SECONDS + $1))
    shift
    until timeout 10 "$@" >/dev/null 2>&1; do
        if ((SECONDS >= end)); then
            echo "timed out: $*" >&2
            return 1
        fi
        sleep 0.1
    done
}

# --- packages ---

[ "$(id -u)" = 0 ] || cannot "a SLURM cluster is started by root, and this is $(id -un)"
if ! type "${daemons[@]}" >/dev/null 2>&1; then
    command -v apt-get >/dev/null || cannot "SLURM is not installed, and there is no apt-get to install it with"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update && apt-get install --yes --no-install-recommends "${packages[@]}" ||
        cannot "apt-get cannot install ${packages[*]}"
fi

# --- an empty folder; what an earlier cluster has left there is ended first ---

if [ -e "$folder" ] && ! { [ -O "$folder" ] && grep -qsx "ClusterName=handgrad" "$folder/etc/slurm.conf"; }; then
    cannot "$folder is there, and is no earlier cluster of ours"
fi
"$(dirname "$0")/stop-slurm.sh" "$folder"
rm -rf "$folder"
mkdir -p "$folder"/{etc,run,log,state,spool}
export SLURM_CONF=$folder/etc/slurm.conf

# --- configuration ---

# Two nodes for each partition, so that tests which share the cluster do not take each other's, nor break them.
# SLURM looks at time limits every 30 seconds; the times below are as short as that leaves sense in.
cat >"$folder/etc/slurm.conf" <<CONF
ClusterName=handgrad
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=16817
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
AuthInfo=socket=$folder/run/munge.socket
StateSaveLocation=$folder/state
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdPidFile=$folder/run/slurmd-%n.pid
SlurmdLogFile=$folder/log/slurmd-%n.log
SlurmdSpoolDir=$folder/spool/%n
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
PropagateResourceLimits=NONE
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,sched_min_interval=0,batch_sched_delay=0,bf_interval=2
MinJobAge=600
KillWait=10
SlurmdTimeout=8
MessageTimeout=5
ReturnToService=2
NodeName=n[1-8] NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=[17001-17008] CPUs=2 RealMemory=8000
PartitionName=main Nodes=n[1-2] Default=YES LLN=YES
PartitionName=faults Nodes=n[3-4] LLN=YES
PartitionName=frail Nodes=n[5-6]
PartitionName=brief Nodes=n[5-6] MaxTime=5
PartitionName=lowly Nodes=n[7-8]
PartitionName=urgent Nodes=n[7-8] PriorityTier=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
CONF
(umask 077 && head -c 1024 /dev/urandom >"$folder/etc/munge.key")

# --- daemons ---

trap 'tail -n 5 "$folder"/log/* >&2' ERR
munged --force --socket="$folder/run/munge.socket" --key-file="$folder/etc/munge.key" \
    --pid-file="$folder/run/munged.pid" --seed-file="$folder/state/munge.seed" --log-file="$folder/log/munged.log"
until_ok 10 munge --socket="$folder/run/munge.socket" --no-input
slurmctld
until_ok 30 scontrol ping
for node in n{1..8}; do
    slurmd -N "$node"
done
until_ok 30 sh -c '[ "$(sinfo --noheader --Node --format=%t | sort -u)" = idle ]'
