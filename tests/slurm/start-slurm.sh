#!/usr/bin/env bash
# Start a private SLURM cluster on this machine. All its files are in FOLDER, and it listens only on the loopback address.
#     tests/slurm/start-slurm.sh FOLDER
#     export SLURM_CONF=FOLDER/etc/slurm.conf
#     tests/slurm/stop-slurm.sh FOLDER
# Tested on Debian 12. The script installs Debian's SLURM packages if they are missing, so it needs root.
# Exit status 77: this machine cannot run SLURM; the last line gives the reason.
set -Eeuo pipefail

folder=${1:?the folder of the cluster}
packages=(slurmctld slurmd slurm-client munge)
daemons=(slurmctld slurmd munged)

cannot() {
    echo "$*" >&2
    exit 77
}

# Run a command until it succeeds, for at most this many seconds.
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

[ "$(id -u)" = 0 ] || cannot "found user $(id -un), expected root: run the script as root"
if ! type "${daemons[@]}" >/dev/null 2>&1; then
    command -v apt-get >/dev/null || cannot "SLURM is not installed and apt-get does not exist: install ${packages[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update && apt-get install --yes --no-install-recommends "${packages[@]}" ||
        cannot "apt-get failed to install ${packages[*]}: install them by hand"
fi

# --- an empty folder; an earlier cluster in it is stopped first ---

if [ -e "$folder" ] && ! { [ -O "$folder" ] && grep -qsx "ClusterName=handgrad" "$folder/etc/slurm.conf"; }; then
    cannot "$folder: found a folder that this script did not make; name a new folder"
fi
"$(dirname "$0")/stop-slurm.sh" "$folder"
rm -rf "$folder"
mkdir -p "$folder"/{etc,run,log,state,spool}
export SLURM_CONF=$folder/etc/slurm.conf

# --- configuration ---

# Each partition has its own two nodes (frail and brief, and lowly and urgent, share theirs), so that tests with faults do
# not disturb other tests. SLURM checks time limits every 30 seconds; the intervals below are as short as is useful.
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
