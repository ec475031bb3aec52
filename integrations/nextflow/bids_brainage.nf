// Features of every participant apart, predictions of everyone together, one table of all.
//
//   nextflow run bids_brainage.nf -profile singularity --bids /data --outdir /results
include { BIDS_BRAINAGE as EXTRACT } from './main'
include { BIDS_BRAINAGE as PREDICT } from './main'
include { BIDS_BRAINAGE as GROUP } from './main'

params.bids = null
params.outdir = 'results'
// Folders of fMRIPrep outputs, separated by commas; those in BIDS/derivatives are found anyway.
params.derivatives = null
// Number of shares to extract in, for studies with more participants than jobs are wanted.
params.batches = null

workflow BRAINAGE {
    take:
    bids
    derivatives
    shares

    main:
    EXTRACT(
        shares.map { id, selection -> [[id: id], "participant --stage extract ${selection}", []] },
        bids,
        derivatives,
    )
    PREDICT(
        EXTRACT.out.output
            .map { _meta, folder -> folder }
            .collect()
            .map { folders -> [[id: 'everyone'], 'participant --stage predict', folders] },
        bids,
        [],
    )
    GROUP(PREDICT.out.output.map { meta, folder -> [meta, 'group', folder] }, bids, [])

    emit:
    output = GROUP.out.output
    table = GROUP.out.table
}

workflow {
    if (!params.bids) {
        error('--bids is missing: the folder of the BIDS dataset')
    }
    bids = file(params.bids, type: 'dir', checkIfExists: true)
    derivatives = params.derivatives
        ? params.derivatives.tokenize(',').collect { place -> file(place, type: 'dir', checkIfExists: true) }
        : []
    shares = params.batches
        ? channel.of(1..(params.batches as int)).map { i -> ["batch-${i}", "--batch ${i}/${params.batches}"] }
        : channel.fromPath("${params.bids}/sub-*", type: 'dir')
            .map { folder -> [folder.name, "--participant-label ${folder.name}"] }
    BRAINAGE(bids, derivatives, shares)
}
