#!/bin/bash
# Run one command of a Slurm job and keep a record of it.
#
#   task.sh FOLDER NAME COMMAND...
#
# FOLDER/NAME.started says where it runs, FOLDER/NAME.exit holds its exit code when it has ended;
# NAME gets the index of an array task. A task that is killed leaves only the first.

folder=$1
name=$2${SLURM_ARRAY_TASK_ID:+-$SLURM_ARRAY_TASK_ID}
shift 2

# No more threads than the job has CPUs; the second and third are for containers run with --cleanenv.
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}
export APPTAINERENV_OMP_NUM_THREADS=$OMP_NUM_THREADS SINGULARITYENV_OMP_NUM_THREADS=$OMP_NUM_THREADS

# The node's own scratch folder is /tmp inside of a container.
if [[ -d ${TMPDIR:-/tmp} && ${TMPDIR:-/tmp} != /tmp && $TMPDIR != *[,:]* ]]; then
    export APPTAINER_BIND=${APPTAINER_BIND:+$APPTAINER_BIND,}$TMPDIR:/tmp
    export SINGULARITY_BIND=${SINGULARITY_BIND:+$SINGULARITY_BIND,}$TMPDIR:/tmp
fi

rm -f "$folder/$name.exit"
echo "job ${SLURM_JOB_ID:-none} on $(uname -n), $(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$folder/$name.started"

# Before the time limit Slurm signals this shell alone (--signal=B:TERM); the command is to end
# cleanly. A signal also ends `wait`, hence the loop.
"$@" &
child=$!
trap 'kill -TERM "$child" 2>/dev/null' TERM
wait "$child"
code=$?
while kill -0 "$child" 2>/dev/null; do
    wait "$child"
    code=$?
done

echo "$code" >"$folder/.$name.exit" && mv "$folder/.$name.exit" "$folder/$name.exit"
exit "$code"
