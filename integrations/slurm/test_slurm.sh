#!/bin/bash
# Test submit.sh on a real Slurm: one node, all of it in a temporary folder, gone at the end.
#
#   [VENV=FOLDER] integrations/slurm/test_slurm.sh     (as root; apt-get install slurm-wlm munge)
#
# VENV has bids_brainage and what its tests need; without it one is made by make. Twenty people go
# through an array of twenty tasks, in which one fails, one is killed with its job, one is killed
# alone (as for lack of memory) and one is asked to end; these are submitted again, and the group
# table must be that of a serial run, byte for byte.
set -eo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

skip() {
    echo "test_slurm.sh: $1" >&2
    exit 2
}
((EUID == 0)) || skip "needs root, to start Slurm's daemons"
for program in slurmctld slurmd munged sbatch make; do
    command -v $program >/dev/null || skip "no $program: apt-get install slurm-wlm munge make"
done
[[ -z $(pgrep -x slurmctld; pgrep -x slurmd) ]] ||
    skip "a Slurm runs here already; it is left alone"

if [[ -z $VENV ]]; then
    VENV=$root/.venv
    make -C "$root" VENV=.venv .venv/.installed
fi
VENV=$(realpath -s "$VENV")
export PATH=$VENV/bin:$PATH
bids_brainage --version

tmp=$(mktemp -d /tmp/bids_brainage-slurm.XXXXXX)
chmod 755 "$tmp"
data="$tmp/data of twenty"
out="$tmp/out of twenty"
export SLURM_CONF=$tmp/slurm.conf
daemons=()
checks=0

finish() {
    local code=$? pid
    trap - EXIT
    if [[ -S $tmp/munge.socket ]]; then
        scancel --user root 2>/dev/null || true
        for _ in {1..80}; do
            [[ $(squeue --noheader 2>/dev/null) ]] || break
            sleep 0.5
        done
    fi
    for pid in "${daemons[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait "${daemons[@]}" 2>/dev/null || true
    if ((code)); then
        echo "FAILED after $checks checks; logs are left in $tmp" >&2
    else
        rm -rf "$tmp"
    fi
    exit "$code"
}
trap finish EXIT
trap 'exit 1' INT TERM
trap 'echo "test_slurm.sh: line $LINENO: $BASH_COMMAND" >&2' ERR

# check TEXT COMMAND...
check() {
    if ! "${@:2}"; then
        echo "not ok ${SECONDS}s: $1 (${*:2})" >&2
        exit 1
    fi
    checks=$((checks + 1))
    echo "ok ${SECONDS}s: $1"
}

# wait_for TEXT SECONDS COMMAND...
wait_for() {
    local end=$((SECONDS + $2))
    until "${@:3}" >/dev/null 2>&1; do
        ((SECONDS < end)) || { echo "waited $2 s in vain: $1" >&2; squeue >&2; exit 1; }
        sleep 0.2
    done
}
job_ended() { [[ -z $(squeue --noheader --jobs="$1" 2>/dev/null) ]]; }
daemon() {
    setsid "$@" </dev/null >>"$tmp/daemons.log" 2>&1 &
    daemons=($! "${daemons[@]}")
}

# --- Slurm ---------------------------------------------------------------------------------
node=$(hostname -s)
read -r port1 port2 < <(python - <<'PYTHON'
import socket
with socket.socket() as one, socket.socket() as two:
    one.bind(("127.0.0.1", 0)), two.bind(("127.0.0.1", 0))
    print(one.getsockname()[1], two.getsockname()[1])
PYTHON
)
# Three CPUs and 16 GB, whatever the machine has: tasks are small. The GPU is none.
cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=$port1
SlurmdPort=$port2
AuthType=auth/munge
AuthInfo=socket=$tmp/munge.socket
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$tmp/ctld
SlurmdSpoolDir=$tmp/slurmd
SlurmctldPidFile=$tmp/slurmctld.pid
SlurmdPidFile=$tmp/slurmd.pid
SlurmctldLogFile=$tmp/slurmctld.log
SlurmdLogFile=$tmp/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1
SlurmdParameters=config_overrides
MailProg=/bin/true
MinJobAge=86400
ReturnToService=2
MaxArraySize=41
GresTypes=gpu
NodeName=$node NodeAddr=127.0.0.1 CPUs=3 RealMemory=16000 Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
echo "Name=gpu File=/dev/null" >"$tmp/gres.conf"
mkdir "$tmp/ctld" "$tmp/slurmd"
(umask 077 && head -c 1024 /dev/urandom >"$tmp/munge.key")
daemon munged --foreground --force --key-file="$tmp/munge.key" --socket="$tmp/munge.socket" \
    --pid-file="$tmp/munged.pid" --log-file="$tmp/munged.log" --seed-file="$tmp/munged.seed"
wait_for "munged" 20 test -S "$tmp/munge.socket"
daemon slurmctld -D
daemon slurmd -D
idle() { sinfo --noheader --format=%T | grep -qx idle; }
wait_for "an idle node" 60 idle
check "a Slurm of one node runs: $(sbatch --version)" idle

# --- dataset and serial run ----------------------------------------------------------------
export OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
(cd "$root" && PYTHONPATH=$root python "$here/invent_people.py" "$data")
start=$SECONDS
code=0
bids_brainage "$data" "$tmp/serial" participant --nprocs 1 >"$tmp/serial.log" 2>&1 || code=$?
check "the serial participant level ends with 1, as one person has no usable input" test $code = 1
code=0
bids_brainage "$data" "$tmp/serial" group >>"$tmp/serial.log" 2>&1 || code=$?
check "the serial group level ends with 1" test $code = 1
serial=$((SECONDS - start))

# Tasks stop at the people named by files hold/OUTPUT-sub-LABEL, once their start marker stands.
mkdir "$tmp/hold"
cat >"$tmp/hold/sitecustomize.py" <<PYTHON
import os, re, sys, time

def hold(event, arguments):
    if event == "open" and len(sys.argv) > 2:
        output = sys.argv[2]
        for name in re.findall(r"sub-\d\d", str(arguments[0]))[:1]:
            while os.path.exists(f"{output}/logs/started/{name}.json") and \
                    os.path.exists(f"$tmp/hold/{os.path.basename(output)}-{name}"):
                time.sleep(0.1)

sys.addaudithook(hold)
PYTHON
export PYTHONPATH=$tmp/hold
hold() { for person in "${@:2}"; do touch "$tmp/hold/$1-sub-$person"; done; }
held() { test -f "$1/logs/started/sub-$2.json"; }
process_of() { grep -o '"process": [0-9]*' "$1/logs/started/sub-$2.json" | tr -dc 0-9; }

# --- time limit and scancel, of a task submitted by hand ----------------------------------------
# Slurm may send the signal a minute early. The checks of this are further down.
by_hand="$tmp/by_hand"
hold by_hand 01 02
limited=$(sbatch --parsable --array=1 --time=2 --signal=B:TERM@30 --output="$tmp/by_hand-%a.out" \
    "$here/extract.sbatch" 20 "$here/task.sh" "$tmp" by_hand bids_brainage "$data" "$by_hand" participant)
cancelled=$(sbatch --parsable --array=2 --output="$tmp/by_hand-%a.out" \
    "$here/extract.sbatch" 20 "$here/task.sh" "$tmp" by_hand bids_brainage "$data" "$by_hand" participant)
wait_for "a task to cancel" 900 held "$by_hand" 02
scancel "$cancelled"

# --- array, prediction, group, with four tasks that do not end well ---------------------------
record() { cat "$out/logs/slurm/$1.exit" 2>/dev/null || echo none; }
job_of() { sed -n "s/^$1: job //p" "$tmp/submit.log" | tail -1; }
field() { scontrol show job "$1" | grep -o "$2=[^ ]*" | head -1; }
# What the group table says of a person: status and reason.
row() {
    python - "$out/group_brainage.tsv" "$1" <<'PYTHON'
import csv, sys
for row in csv.DictReader(open(sys.argv[1]), delimiter="\t"):
    if row["participant_id"] == sys.argv[2]:
        print(row["status"], row["status_reason"])
PYTHON
}
# shellcheck disable=SC2053
row_says() { [[ $(row "$1") == $2 ]]; } # $2 is a pattern

hold "$(basename "$out")" 07 09 11
start=$SECONDS
"$here/submit.sh" "$data" "$out" --gpu --time 30 | tee -a "$tmp/submit.log"
extract=$(job_of extract) predict=$(job_of predict) group=$(job_of group)
check "the prediction waits for the end of the array" \
    test "$(field "$predict" Dependency)" = "Dependency=afterany:${extract}_*(unfulfilled)"
check "the group level waits for the prediction" \
    test "$(field "$group" Dependency)" = "Dependency=afterany:$predict(unfulfilled)"
check "the prediction asks for a GPU" grep -q 'gres[:/]gpu' <(scontrol show job "$predict")
code=0
"$here/submit.sh" "$data" "$out" >"$tmp/twice.log" 2>&1 || code=$?
check "a second submission is refused while the first is in the queue" \
    grep -q "still in the queue" "$tmp/twice.log"
check "... with exit code 2" test $code = 2

wait_for "task 7 at work" 900 held "$out" 07
app=$(process_of "$out" 07)
kill -KILL "$(ps -o ppid= "$app" | tr -d ' ')" "$app"
wait_for "task 9 at work" 900 held "$out" 09
scancel --signal=TERM --batch "${extract}_9" 2>/dev/null || true # tries again, in vain, and says so
wait_for "task 11 at work" 900 held "$out" 11
kill -KILL "$(process_of "$out" 11)"
wait_for "the end of the array" 1800 job_ended "$extract"
rm "$tmp/hold/$(basename "$out")"-*
array=$((SECONDS - start))
wait_for "the end of the group level" 900 job_ended "$group"

for i in {1..20}; do
    case $i in 3) expected=1 ;; 7) expected=none ;; 9) expected=143 ;; 11) expected=137 ;; *) expected=0 ;; esac
    [[ $(record "extract-$i") == "$expected" ]] ||
        check "task $i recorded $expected and not $(record "extract-$i")" false
done
check "records of the array: sixteen 0, one 1 (failed), none (killed), 143 (ended), 137 (killed alone)" true
check "the killed task left its start in the records" test -s "$out/logs/slurm/extract-7.started"
check "the ended task said that it was interrupted, and nothing else went wrong" \
    grep -q "interrupted; rerun" "$out/logs/slurm/extract-${extract}_9.out"
check "prediction and group level record that not all went well" \
    test "$(record predict) $(record group)" = "1 1"
check "the failed person has a row with the reason" row_says sub-03 "failed *"
for label in 07 09 11; do
    check "sub-$label has a row that says interrupted" row_says sub-$label "failed interrupted*"
done
check "the other sixteen are predicted" \
    test "$(cut -f3,4 "$out/group_brainage.tsv" | grep -cx $'fusion\tok')" = 16

# --- resubmission ---------------------------------------------------------------------------
start=$SECONDS
"$here/submit.sh" "$data" "$out" --resubmit --time 30 | tee -a "$tmp/submit.log"
again=$(job_of extract) group=$(job_of group)
wait_for "the end of the second group level" 900 job_ended "$group"
second=$((SECONDS - start))
tasks=$(find "$out/logs/slurm" -name "extract-${again}_*.out" | sed 's/.*_\(.*\).out/\1/' | sort -n | paste -sd,)
check "tasks 3, 7, 9 and 11 alone ran again" test "$tasks" = 3,7,9,11
check "the failed one failed again, the others are done" \
    test "$(record extract-3)$(record extract-7)$(record extract-9)$(record extract-11)" = 1000
check "prediction and group level record the failed one" test "$(record predict) $(record group)" = "1 1"
check "the group table is that of the serial run, byte for byte" \
    cmp "$tmp/serial/group_brainage.tsv" "$out/group_brainage.tsv"
check "the phenotype table, too" cmp "$tmp/serial/phenotype/brainage.tsv" "$out/phenotype/brainage.tsv"
check "no start marker is left" test -z "$(ls "$out/logs/started" 2>/dev/null)"

# --- plain arrays, and the jobs by hand ------------------------------------------------------
plain="$tmp/plain"
job=$(sbatch --parsable --array=1-4 --output="$tmp/plain-%a.out" --wrap \
    "exec bids_brainage '$data' '$plain' participant --stage extract --nprocs 1")
wait_for "the end of a plain array" 900 job_ended "$job"
check "four tasks of a plain array take five people each" \
    test "$(grep -c '\] sub-' "$tmp"/plain-?.out | cut -d: -f2 | paste -sd' ')" = "5 5 5 5"
for step in "participant --stage predict" group; do
    # shellcheck disable=SC2086
    bids_brainage "$data" "$plain" $step >"$tmp/plain.log" 2>&1 || test $? = 1
done
check "... and end in the same group table" cmp "$tmp/serial/group_brainage.tsv" "$plain/group_brainage.tsv"

partial="$tmp/partial"
job=$(sbatch --parsable --array=3,7 --output="$tmp/partial-%a.out" --wrap \
    "bids_brainage '$data' '$partial' participant --stage extract; echo code \$?")
wait_for "the end of a partial array" 900 job_ended "$job"
check "part of an array without --batch is refused" \
    test "$(cat "$tmp"/partial-?.out | grep -c -e "code 2" -e "--batch I/N")" = 4
check "... and nothing is written" test ! -e "$partial"

wait_for "the time limit" 900 job_ended "$limited"
check "at its time limit a task is asked to end, and ends with 143" test "$(cat "$tmp/by_hand-1.exit")" = 143
check "so it does when cancelled" test "$(cat "$tmp/by_hand-2.exit")" = 143
check "... both saying so in one line" \
    test "$(cat "$tmp"/by_hand-?.out | grep -c "interrupted; rerun")" = 2
check "no traceback in any log" \
    test -z "$(grep -l Traceback "$out"/logs/slurm/*.out "$tmp"/*.out "$tmp"/*.log)"

echo "$checks checks in $SECONDS s: serial run $serial s; array of 20 $array s, resubmission of 4 with group $second s"
