#!/usr/bin/env bash
# Check the bundles here with the engines' own tools, on a dataset of two synthetic people.
#
#   integrations/check.sh [nipoppy] [babs] [nextflow]      (default: all)
#
# Needs an installed App with its test extra (APP: the folder of its commands, default .venv/bin),
# a package registry for the tools (VENVS: a folder that keeps them for the next time), and 7z and
# git for BABS. Containers are not used: nipoppy runs
# the App without one, and for BABS a stand-in named "singularity" calls it. Nor is a scheduler: a
# stand-in named "sbatch" runs the tasks of an array one after the other. Every engine must end with
# the group table of one plain run, byte for byte.
set -euo pipefail

ROOT=$(cd "$(dirname "$0")/.." && pwd)
APP=${APP:-$ROOT/.venv/bin}
NIPOPPY=${NIPOPPY:-nipoppy==0.4.8}
BABS=${BABS:-babs==0.5.4}
# Later releases want special remotes to be verified, which BABS does not do.
GIT_ANNEX=${GIT_ANNEX:-git-annex==10.20250630}
NF_CORE=${NF_CORE:-nf-core==4.2.1}
NEXTFLOW=${NEXTFLOW:-nextflow}

[ -x "$APP/bids_brainage" ] || { echo "no bids_brainage in $APP: set APP" >&2; exit 2; }
WORK=$(mktemp -d "${TMPDIR:-/tmp}/brainage-check.XXXXXX")
trap 'chmod -R u+w "$WORK"; rm -rf "$WORK"' EXIT
export HOME=$WORK/home OMP_NUM_THREADS=1 PYTHONNOUSERSITE=1
mkdir "$HOME"
BIDS=$WORK/bids
VENVS=${VENVS:-$WORK/venvs}
VERSION=$("$APP/bids_brainage" --version | sed 's/.* //')

say() { printf '%s\n' "$*"; }

# A venv with a tool in it, if there is none yet: venv NAME PACKAGE...
venv() {
    [ ! -e "$VENVS/$1/done" ] || return 0
    mkdir -p "$VENVS"
    "${PYTHON:-python3}" -m venv "$VENVS/$1"
    quiet "pip-$1" "$VENVS/$1/bin/python" -m pip install --disable-pip-version-check "${@:2}"
    touch "$VENVS/$1/done"
}

# same ENGINE TABLE: the group table is that of the plain run.
same() {
    cmp "$WORK/plain/group_brainage.tsv" "$2"
    say "$1: same group table as one plain run"
}

# quiet LOG COMMAND...: show the log where the command fails.
quiet() {
    "${@:2}" >"$WORK/$1.log" 2>&1 || { tail -n 40 "$WORK/$1.log" >&2; say "$1 failed" >&2; return 1; }
}

# sbatch FOLDER: a stand-in for Slurm's, which runs an array in turn and says a job's number.
stand_in_sbatch() {
    mkdir -p "$1"
    cat >"$1/sbatch" <<'EOF'
#!/bin/bash
script=${*: -1}
tasks=$(sed -n 's/^#SBATCH --array=1-\([0-9]*\).*/\1/p' "$script")
export SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=$tasks SLURM_ARRAY_TASK_STEP=1
export SLURM_ARRAY_TASK_COUNT=$tasks SLURM_ARRAY_JOB_ID=1
for task in $(seq "$tasks"); do
    SLURM_ARRAY_TASK_ID=$task bash "$script" >"$(dirname "$0")/$(basename "$script").$task.log" 2>&1 || exit
done
echo 1
EOF
    chmod +x "$1/sbatch"
}

make_dataset() {
    (cd "$ROOT" && "$APP/python" -m tests.integrations.two_people "$BIDS")
    quiet plain "$APP/bids_brainage" "$BIDS" "$WORK/plain" participant group --no-raw --device cpu
}

check_nipoppy() {
    local study=$WORK/study step run
    venv nipoppy "$NIPOPPY"
    stand_in_sbatch "$WORK/sbatch"
    export PATH=$VENVS/nipoppy/bin:$WORK/sbatch:$APP:$PATH
    say "$(nipoppy --version)"
    quiet nipoppy-validate nipoppy pipeline validate "$ROOT/integrations/nipoppy"
    say "nipoppy: pipeline validate ok"
    quiet nipoppy-init nipoppy init --study "$study" --bids-source "$BIDS"
    quiet nipoppy-install nipoppy pipeline install --study "$study" --skip-container \
        "$ROOT/integrations/nipoppy"
    sed -i -e "s|\"FMRIPREP_OUTPUT_DIR\": null|\"FMRIPREP_OUTPUT_DIR\": \"$BIDS/derivatives/fmriprep\"|" \
        -e 's|"COMMAND": "apptainer"|"COMMAND": null|' "$study/global_config.json"
    quiet nipoppy-curation nipoppy track-curation --study "$study"
    for step in extract predict group; do
        run=(--study "$study" --pipeline bids_brainage --pipeline-step "$step")
        quiet "nipoppy-simulate-$step" nipoppy process "${run[@]}" --simulate
        quiet "nipoppy-$step" nipoppy process "${run[@]}" --hpc slurm
        quiet "nipoppy-track-$step" nipoppy track-processing "${run[@]}"
    done
    if grep -q FAIL "$study/derivatives/processing_status.tsv"; then
        cat "$study/derivatives/processing_status.tsv" >&2
        return 1
    fi
    say "nipoppy: process --simulate, process --hpc slurm and track-processing of three steps ok"
    same nipoppy "$study/derivatives/bids_brainage/$VERSION/output/group_brainage.tsv"
}

check_babs() {
    local here=$WORK/babs name=bids-brainage-${VERSION//./-} label job
    venv babs "$BABS" "$GIT_ANNEX" datalad-container
    mkdir -p "$here/bin" "$here/scratch"
    cd "$here"
    # Leave out the options up to the image, then run the App.
    cat >bin/singularity <<EOF
#!/bin/bash
shift
while [ \$# -gt 0 ]; do
    case \$1 in
    -B | --env) shift 2 ;;
    -*) shift ;;
    *) shift; break ;;
    esac
done
exec "$APP/bids_brainage" "\$@"
EOF
    chmod +x bin/singularity
    export PATH=$here/bin:$VENVS/babs/bin:$PATH
    babs --version
    git config --global user.name check
    git config --global user.email check@example.org
    cp -r "$BIDS" raw
    rm -r raw/derivatives
    mkdir zips
    for label in 01 02; do
        mkdir -p one/fmriprep/sourcedata/freesurfer "one/fmriprep/sub-$label"
        cp "$BIDS/derivatives/fmriprep/dataset_description.json" one/fmriprep
        [ ! -d "$BIDS/derivatives/fmriprep/sub-$label" ] ||
            cp -r "$BIDS/derivatives/fmriprep/sub-$label" one/fmriprep
        cp -r "$BIDS/derivatives/fmriprep/sourcedata/freesurfer/sub-$label"* \
            one/fmriprep/sourcedata/freesurfer
        (cd one && quiet zip 7z a "../zips/sub-${label}_fmriprep-23-2-0.zip" fmriprep)
        rm -r one
    done
    # participants.tsv is in git, as jobs do not fetch it.
    quiet babs-create datalad create -f -c text2git raw
    quiet babs-create datalad create -f zips
    for label in raw zips; do
        quiet babs-save datalad save -d "$label" -m input
    done
    quiet babs-create datalad create containers
    echo "not an image" >image.sif
    (cd containers && quiet babs-container datalad containers-add --url "$here/image.sif" "$name")
    for label in raw raw_and_fmriprep; do
        sed -e "s|/path/to/BIDS|$here/raw|" -e "s|/path/to/fmriprep|$here/zips|" \
            -e "s|^job_compute_space:.*|job_compute_space: $here/scratch|" \
            -e 's|^  source .*|  export OMP_NUM_THREADS=1|' \
            "$ROOT/integrations/babs/$label.yaml" >"$label.yaml"
        quiet babs-init babs init --container_ds "$here/containers" --container_name "$name" \
            --container_config "$here/$label.yaml" --processing_level subject --queue slurm \
            "$here/project-$label"
        say "babs: init with $label.yaml ok"
    done
    # What a Slurm array would run.
    job=$(python -c "import yaml; print(yaml.safe_load(open(
        'project-raw_and_fmriprep/analysis/code/submit_job_template.yaml'))['cmd_template'])" |
        sed -e 's/.*participant_job.sh//' -e 's/ [^ ]*\.csv$//')
    for label in 1 2; do
        # shellcheck disable=SC2086
        DSLOCKFILE=$here/lock SLURM_ARRAY_JOB_ID=1 SLURM_ARRAY_TASK_ID=$label \
            SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=2 SLURM_ARRAY_TASK_COUNT=2 \
            SLURM_ARRAY_TASK_STEP=1 quiet babs-job bash \
            project-raw_and_fmriprep/analysis/code/participant_job.sh $job \
            "$here/project-raw_and_fmriprep/analysis/code/processing_inclusion.csv"
    done
    quiet babs-merge babs merge "$here/project-raw_and_fmriprep"
    say "babs: the job script of two participants, run with bash, and merge ok"
    quiet babs-clone datalad clone "ria+file://$here/project-raw_and_fmriprep/output_ria#~data" results
    (cd results && quiet babs-get datalad get .)
    for label in results/*.zip; do
        quiet unzip 7z x -y -oall "$label"
    done
    quiet babs-group singularity run image "$here/raw" "$here/all/bids_brainage" group
    same babs all/bids_brainage/group_brainage.tsv
    cd "$ROOT"
}

# task FOLDER COMMAND [EARLIER...]: run the module's script as Nextflow would.
task() {
    local folder=$WORK/tasks/$1 number=0 earlier
    mkdir -p "$folder/input"
    ln -s "$BIDS" "$folder/input/bids"
    for earlier in "${@:3}"; do
        number=$((number + 1))
        mkdir "$folder/earlier$number"
        ln -s "$WORK/tasks/$earlier/output" "$folder/earlier$number/output"
    done
    (cd "$ROOT" && "$APP/python" -c "from tests.integrations.nextflow_task import task_script
print(task_script('$2', 'input/bids', args='--no-raw'))") >"$folder/script"
    (cd "$folder" && PATH=$APP:$PATH quiet "nextflow-$1" bash -ue script)
}

check_nextflow() {
    local here=$ROOT/integrations/nextflow java
    task one "participant --stage extract --participant-label sub-01"
    task two "participant --stage extract --participant-label sub-02"
    task everyone "participant --stage predict" one two
    task group group everyone
    say "nextflow: the scripts of the tasks, run with bash, ok"
    same nextflow "$WORK/tasks/group/output/group_brainage.tsv"
    if command -v groovy >/dev/null; then
        java=$(readlink -f "$(command -v java)")
        cat >"$WORK/parse.groovy" <<'EOF'
import org.codehaus.groovy.control.*
args.each { name ->
    def unit = new CompilationUnit()
    unit.addSource(new File(name))
    unit.compile(Phases.CONVERSION)
}
EOF
        JAVA_HOME=${java%/bin/java} quiet groovy groovy "$WORK/parse.groovy" \
            "$here/main.nf" "$here/bids_brainage.nf" "$here/nextflow.config"
        say "nextflow: parsed as Groovy"
    else
        say "nextflow: NOT parsed, groovy is not installed"
    fi
    venv nf-core "$NF_CORE"
    "$VENVS/nf-core/bin/python" - "$here" <<'EOF'
import sys
from pathlib import Path

import yaml
from nf_core.components.nfcore_component import NFCoreComponent

folder = Path(sys.argv[1])
module = NFCoreComponent(
    "bids_brainage", None, folder, "modules", folder.parent, "modules", remote_component=False
)
module.get_inputs_from_main_nf()
module.get_outputs_from_main_nf()
module.get_topics_from_main_nf()
meta = yaml.safe_load((folder / "meta.yml").read_text())
inputs = [[next(iter(e)) for e in (i if isinstance(i, list) else [i])] for i in meta["input"]]
read = [[next(iter(e)) for e in (i if isinstance(i, list) else [i])] for i in module.inputs]
assert read == inputs, (read, inputs)
assert list(module.outputs) == list(meta["output"])
assert list(module.topics) == list(meta["topics"])
EOF
    say "nextflow: inputs, outputs and topics as nf-core tools read them are those of meta.yml"
    venv nextflow "$NEXTFLOW"
    if "$VENVS/nextflow/bin/nextflow" -version >"$WORK/nextflow.log" 2>&1; then
        (cd "$WORK" && PATH=$APP:$PATH quiet nextflow-run "$VENVS/nextflow/bin/nextflow" run \
            "$here/bids_brainage.nf" --bids "$BIDS" --args "--no-raw")
        same "nextflow run" "$WORK/results/output/group_brainage.tsv"
    else
        say "nextflow: the workflow was NOT run, Nextflow itself could not be downloaded"
    fi
}

make_dataset
[ $# -gt 0 ] || set -- nipoppy babs nextflow
for engine in "$@"; do
    "check_$engine"
done
say "all checks passed"
