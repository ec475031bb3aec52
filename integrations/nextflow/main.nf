// One call of the App. What it does is in `command`: the level and what goes with it, e.g.
// "participant --stage extract --participant-label 01". Options that shape numbers belong into
// ext.args of all calls alike: outputs made with different ones are refused, not mixed.
process BIDS_BRAINAGE {
    tag "${meta.id}"
    label 'process_medium'
    container 'docker.io/bids/bids_brainage:0.1.0'

    input:
    tuple val(meta), val(command), path(earlier, stageAs: 'earlier?/*')
    path bids_dir, stageAs: 'input/*'
    path derivatives, stageAs: 'derivatives?/*'

    output:
    tuple val(meta), path('output'), emit: output
    tuple val(meta), path('output/group_brainage.tsv'), emit: table, optional: true
    tuple val("${task.process}"), val('bids_brainage'), eval('bids_brainage --version | sed "s/.* //"'), topic: versions, emit: versions_bids_brainage

    script:
    def args = task.ext.args ?: ''
    def prepared = derivatives ? "--derivatives ${derivatives}" : ''
    // Exit code 1 means that some sessions failed: the output says which, and the others go on.
    """
    mkdir -p output
    for part in earlier*/*; do
        [ ! -d "\${part}" ] || cp -RL "\${part}"/. output/
    done
    bids_brainage ${bids_dir} output ${command} ${prepared} \\
        --nprocs ${task.cpus} --work-dir work ${args} || {
        code=\$?
        [ "\${code}" -eq 1 ] || exit "\${code}"
    }
    """

    stub:
    """
    mkdir -p output/logs
    touch output/logs/configuration.json output/group_brainage.tsv
    """
}
