#!/bin/bash
# Run the App on a Slurm cluster; submit.sh --help says how.
set -eo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
    cat <<'TEXT'
Usage: submit.sh [OPTIONS] BIDS_DIR OUTPUT_DIR [-- OPTIONS OF bids_brainage]

Submits three jobs: an array that extracts features, one task per batch of participants; the
prediction of everyone extracted; and the group level. The later ones start when the earlier one
has ended, also where tasks of it failed.

  --batches N                number of array tasks
  --participants-per-task K  instead of --batches (default: 1, or what the cluster's MaxArraySize
                             asks for)
  --at-once M                array tasks that may run at once (default: 100)
  --cpus N                   CPUs of an extract task (default: 1)
  --mem SIZE                 memory of an extract task (default: 4G per CPU)
  --time LIMIT               time limit of an extract task (default: see extract.sbatch)
  --gpu                      predict on a GPU: --gres=gpu:1, and --nv for the container
  --sbatch "OPTIONS"         further options of sbatch for all jobs, such as
                             "--account=ours --partition=short"; may be repeated
  --sbatch-predict "OPTIONS" the same, for the prediction only
  --native                   run bids_brainage of PATH (default)
  --image FILE.sif           run this image instead, with apptainer or singularity
  --container PROGRAM        the program for --image (default: what PATH has)
  --bind PATH[:PATH[:ro]]    a further folder the container sees: derivatives, a work folder, the
                             store that links of the dataset point into; may be repeated
  --resubmit                 submit again, of the batches submitted last, only those that failed
                             or were killed, then predict and group; other options may differ
  --dry-run                  print the sbatch commands; submit and write nothing
  --help

Exit codes of the tasks are kept in OUTPUT_DIR/logs/slurm, with what they said.
TEXT
}

refuse() {
    echo "submit.sh: error: $1" >&2
    exit 2
}

number() {
    [[ $2 =~ ^[1-9][0-9]*$ ]] || refuse "$1 '$2' is not a whole number of at least 1"
}

# Participants have folders in BIDS_DIR, or in the derivatives below it; FreeSurfer's may be
# sub-LABEL_ses-LABEL. The App makes its own list: this one only says how many batches to ask for.
count_participants() {
    { find "$1/" "$1/derivatives/"*/ -maxdepth 1 -name 'sub-*' ! -type f -printf '%f\n' 2>/dev/null || true; } |
        sed 's/_.*//' | sort -u | wc -l
}

# 1 2 3 7 -> 1-3,7
ranges() {
    local first=$1 last=$1 text='' i
    for i in "${@:2}" end; do
        if [[ $i != end && $i -eq $((last + 1)) ]]; then
            last=$i
            continue
        fi
        text+=,$first
        [[ $last == "$first" ]] || text+=-$last
        first=$i last=$i
    done
    echo "${text#,}"
}

remembered() {
    sed -n "s/^$1=//p" "$records/submission" 2>/dev/null || true
}

exit_code() {
    local code=
    [[ ! -r $records/$1.exit ]] || read -r code <"$records/$1.exit" || true
    echo "$code"
}

# Options of this script. No `set -u`: older bash takes an empty array for unset.
positional=() options=() binds=() all_jobs=() extract_only=() predict_only=()
batches='' per_task='' at_once=100 cpus='' mem='' image='' container=''
gpu=false resubmit=false dry_run=false
while (($#)); do
    case $1 in
    --gpu) gpu=true ;;
    --native) image='' ;;
    --resubmit) resubmit=true ;;
    --dry-run) dry_run=true ;;
    --help | -h) usage; exit 0 ;;
    --) shift; options=("$@"); break ;;
    --?*)
        (($# > 1)) || refuse "$1 needs a value, or is unknown (options of bids_brainage go after --)"
        case $1 in
        --batches) number "$1" "$2"; batches=$2 ;;
        --participants-per-task) number "$1" "$2"; per_task=$2 ;;
        --at-once) number "$1" "$2"; at_once=$2 ;;
        --cpus) number "$1" "$2"; cpus=$2 ;;
        --mem) mem=$2 ;;
        --time) extract_only+=("--time=$2") ;;
        --sbatch) read -ra words <<<"$2"; all_jobs+=("${words[@]}") ;;
        --sbatch-predict) read -ra words <<<"$2"; predict_only+=("${words[@]}") ;;
        --image) image=$2 ;;
        --container) container=$2 ;;
        --bind) binds+=(--bind "$2") ;;
        *) refuse "unknown option $1 (options of bids_brainage go after --)" ;;
        esac
        shift
        ;;
    *) positional+=("$1") ;;
    esac
    shift
done
((${#positional[@]} == 2)) || refuse "BIDS_DIR and OUTPUT_DIR are needed; see --help"
[[ -z $batches || -z $per_task ]] || refuse "--batches and --participants-per-task exclude each other"
[[ -d ${positional[0]} ]] || refuse "BIDS_DIR ${positional[0]} is not a folder"
bids_dir=$(realpath -s "${positional[0]}")
output_dir=$(realpath -ms "${positional[1]}")
records=$output_dir/logs/slurm

# How the App is called; paths are the same inside and outside of a container.
if [[ $image ]]; then
    [[ -e $image ]] || refuse "there is no image $image: build it first, the jobs pull nothing"
    container=$(command -v "${container:-apptainer}" || command -v "${container:-singularity}") ||
        refuse "no ${container:-apptainer or singularity} in PATH: load its module, or name it with --container"
    for folder in "$bids_dir" "$output_dir"; do
        [[ $folder != *[,:]* ]] || refuse "a container cannot bind $folder: it has a comma or a colon"
    done
    app=("$container" run --cleanenv)
    image=(--bind "$bids_dir:$bids_dir:ro" --bind "$output_dir:$output_dir" "${binds[@]}" "$(realpath -s "$image")")
    app_predict=("${app[@]}")
    ! $gpu || app_predict+=(--nv)
    app+=("${image[@]}")
    app_predict+=("${image[@]}")
else
    [[ -z $container && ${#binds[@]} == 0 ]] || refuse "--container and --bind go with --image"
    app=("$(command -v bids_brainage)") ||
        refuse "no bids_brainage in PATH: activate its environment, or give --image"
    app_predict=("${app[@]}")
fi

# Two runs must not work on the same sessions at once.
earlier=$(remembered jobs)
if [[ $earlier ]]; then
    waiting=$(squeue --noheader "--jobs=$earlier" --format=%i 2>/dev/null | paste -sd' ') || true
    [[ -z $waiting ]] ||
        refuse "jobs of the last submission are still in the queue ($waiting): wait, or scancel ${earlier//,/ }"
fi

participants=$(count_participants "$bids_dir")
wanted=()
if $resubmit; then
    last=$(remembered batches)
    before=$(remembered participants)
    [[ $last ]] || refuse "nothing was submitted for $output_dir yet: leave out --resubmit"
    [[ -z $per_task && ${batches:-$last} == "$last" ]] ||
        refuse "--resubmit keeps the $last batches of the last submission"
    [[ $participants == "$before" ]] ||
        refuse "BIDS_DIR had $before participants and now has $participants, so that batches mean others: leave out --resubmit; what is done is not done again"
    batches=$last
    for ((i = 1; i <= batches; i++)); do
        [[ $(exit_code "extract-$i") == 0 ]] || wanted+=("$i")
    done
    if ((${#wanted[@]} == 0)) && [[ $(exit_code predict)$(exit_code group) == 00 ]]; then
        echo "all $batches batches, predict and group have ended with 0: nothing to submit"
        exit 0
    fi
else
    limit=$(scontrol show config 2>/dev/null | awk '$1 == "MaxArraySize" {print $3 - 1}') || true
    limit=${limit:-1000}
    if [[ -z $batches ]]; then
        ((participants)) || refuse "no folder sub-* in $bids_dir or its derivatives: give --batches"
        batches=$(((participants + ${per_task:-1} - 1) / ${per_task:-1}))
        if ((batches > limit)); then
            echo "submit.sh: $limit batches instead of $batches: the cluster's MaxArraySize allows no more" >&2
            batches=$limit
        fi
    fi
    ((batches <= limit)) || refuse "--batches $batches: the cluster's MaxArraySize allows $limit"
    for ((i = 1; i <= batches; i++)); do wanted+=("$i"); done
fi

# submit STAGE LOG SBATCH_ARGUMENT...; sets `job`.
submitted=()
submit() {
    local line=(sbatch --parsable "--output=${records//%/%%}/$2" "${all_jobs[@]}" "${@:3}")
    if $dry_run; then
        printf '%q ' "${line[@]}"
        echo
        job=${1^^}
        return
    fi
    if ! job=$("${line[@]}"); then
        ((${#submitted[@]} == 0)) || scancel "${submitted[@]}"
        echo "submit.sh: error: sbatch did not take the $1 job; nothing of this submission is left in the queue" >&2
        exit 1
    fi
    job=${job%%;*}
    submitted+=("$job")
    echo "$1: job $job"
}

if ! $dry_run; then
    mkdir -p "$records"
    stale=(predict group)
    for i in "${wanted[@]}"; do stale+=("extract-$i"); done
    $resubmit || find "$records" -name 'extract-*.exit' -delete -o -name 'extract-*.started' -delete
    for name in "${stale[@]}"; do rm -f "$records/$name.exit" "$records/$name.started"; done
fi

[[ -z $cpus ]] || extract_only+=("--cpus-per-task=$cpus")
[[ -z $mem$cpus ]] || extract_only+=("--mem=${mem:-$((4 * cpus))G}")
! $gpu || predict_only=(--gres=gpu:1 "${predict_only[@]}")
task=("$here/task.sh" "$records")
both=("$bids_dir" "$output_dir")
after=()
if ((${#wanted[@]})); then
    array=$(ranges "${wanted[@]}")
    $dry_run || echo "batches $array of $batches"
    submit extract extract-%A_%a.out "--array=$array%$at_once" "${extract_only[@]}" \
        "$here/extract.sbatch" "$batches" "${task[@]}" extract "${app[@]}" "${both[@]}" participant "${options[@]}"
    after=("--dependency=afterany:$job")
fi
submit predict predict-%j.out "${after[@]}" "${predict_only[@]}" \
    "$here/predict.sbatch" "${task[@]}" predict "${app_predict[@]}" "${both[@]}" participant "${options[@]}"
submit group group-%j.out "--dependency=afterany:$job" \
    "$here/group.sbatch" "${task[@]}" group "${app[@]}" "${both[@]}" group "${options[@]}"
$dry_run || printf 'batches=%s\nparticipants=%s\njobs=%s\n' "$batches" "$participants" \
    "$(IFS=,; echo "${submitted[*]}")" >"$records/submission"
