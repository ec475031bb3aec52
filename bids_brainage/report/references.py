"""Papers that reports cite, as text and as BibTeX."""

import re
from dataclasses import dataclass

_DOI = "https://doi.org/"
_ARXIV = "https://arxiv.org/abs/"


@dataclass(frozen=True)
class Reference:
    """A paper to cite; ``link`` is its DOI or preprint address.

    Parameters
    ----------
    text
        Authors and year, then journal, volume and page.
    title
        Title; empty where only a preset names the paper.
    authors
        For BibTeX; empty takes those of ``text``.
    """

    text: str
    link: str
    title: str = ""
    authors: str = ""

    @property
    def short(self) -> str:
        """Authors and year."""
        return self.text.split(",", 1)[0]

    @property
    def full(self) -> str:
        """Authors, year, title and journal."""
        rest = self.text.partition(", ")[2]
        return ". ".join(part for part in (self.short, self.title, rest) if part)

    @property
    def key(self) -> str:
        """Name of the BibTeX entry, told apart from others by its link."""
        surname, year = re.match(r"\W*(\w+)", self.text), re.search(r"\b(\d{4})\b", self.short)
        tail = re.sub(r"\W", "", self.link.rsplit("/", 1)[-1])[-4:]
        return f"{surname[1] if surname else 'paper'}{year[1] if year else ''}_{tail}".lower()

    def bibtex(self) -> str:
        """Give the entry with the fields that are known; text that BibTeX reads is escaped."""
        year = re.search(r"\b(\d{4})\b", self.short)
        journal = re.fullmatch(r"(?:.*?), (.+?) (\d+):(\w+)", self.text)
        people = re.sub(r" \d{4}$", "", self.short).replace(" et al.", " and others")
        fields = {
            "author": self.authors or people,
            "title": self.title or self.text,
            "year": year[1] if year else "",
            "journal": journal[1] if journal else "",
            "volume": journal[2] if journal else "",
            "pages": journal[3] if journal else "",
        }
        if self.link.startswith(_DOI):
            fields["doi"] = self.link.removeprefix(_DOI)
        elif self.link.startswith(_ARXIV):
            fields |= {"eprint": self.link.removeprefix(_ARXIV), "archiveprefix": "arXiv"}
        fields["url"] = self.link
        lines = [f"  {name} = {{{_plain(value)}}}" for name, value in fields.items() if value]
        kind = "article" if journal else "misc"
        return f"@{kind}{{{self.key},\n" + ",\n".join(lines) + "\n}\n"


def _plain(text: str) -> str:
    """Leave out what would end a BibTeX field, and escape what TeX reads."""
    text = text.replace("\\", "").replace("{", "").replace("}", "")
    return text if text.startswith("http") else re.sub(r"([&%$#_])", r"\\\1", text)


def _paper(text: str, doi: str, title: str, authors: str) -> Reference:
    return Reference(text, doi if doi.startswith("http") else _DOI + doi, title, authors)


PAPERS = {
    "aseg": _paper(
        "Fischl et al. 2002, Neuron 33:341",
        "10.1016/S0896-6273(02)00569-X",
        "Whole brain segmentation: automated labeling of neuroanatomical structures in the human "
        "brain",
        "Fischl, Bruce and Salat, David H. and others",
    ),
    "bbr": _paper(
        "Greve and Fischl 2009, NeuroImage 48:63",
        "10.1016/j.neuroimage.2009.06.060",
        "Accurate and robust brain image alignment using boundary-based registration",
        "Greve, Douglas N. and Fischl, Bruce",
    ),
    "bias": _paper(
        "de Lange and Cole 2020, NeuroImage: Clinical 26:102229",
        "10.1016/j.nicl.2020.102229",
        "Commentary: Correction procedures in brain-age prediction",
        "de Lange, Ann-Marie G. and Cole, James H.",
    ),
    "carpet": _paper(
        "Power 2017, NeuroImage 154:150",
        "10.1016/j.neuroimage.2016.08.009",
        "A simple but useful way to assess fMRI scan qualities",
        "Power, Jonathan D.",
    ),
    "compcor": _paper(
        "Behzadi et al. 2007, NeuroImage 37:90",
        "10.1016/j.neuroimage.2007.04.042",
        "A component based noise correction method (CompCor) for BOLD and perfusion based fMRI",
        "Behzadi, Yashar and Restom, Khaled and Liau, Joy and Liu, Thomas T.",
    ),
    "destrieux": _paper(
        "Destrieux et al. 2010, NeuroImage 53:1",
        "10.1016/j.neuroimage.2010.06.010",
        "Automatic parcellation of human cortical gyri and sulci using standard anatomical "
        "nomenclature",
        "Destrieux, Christophe and Fischl, Bruce and Dale, Anders and Halgren, Eric",
    ),
    "fd": _paper(
        "Power et al. 2012, NeuroImage 59:2142",
        "10.1016/j.neuroimage.2011.10.018",
        "Spurious but systematic correlations in functional connectivity MRI networks arise from "
        "subject motion",
        "Power, Jonathan D. and Barnes, Kelly A. and others",
    ),
    "fmriprep": _paper(
        "Esteban et al. 2019, Nature Methods 16:111",
        "10.1038/s41592-018-0235-4",
        "fMRIPrep: a robust preprocessing pipeline for functional MRI",
        "Esteban, Oscar and Markiewicz, Christopher J. and others",
    ),
    "freesurfer": _paper(
        "Fischl 2012, NeuroImage 62:774",
        "10.1016/j.neuroimage.2012.01.021",
        "FreeSurfer",
        "Fischl, Bruce",
    ),
    "good": _paper(
        "Good et al. 2001, NeuroImage 14:21",
        "10.1006/nimg.2001.0786",
        "A voxel-based morphometric study of ageing in 465 normal adult human brains",
        "Good, Catriona D. and Johnsrude, Ingrid S. and others",
    ),
    "greedy": _paper(
        "Yushkevich et al. 2016, Alzheimer's and Dementia 12:P126",
        "10.1016/j.jalz.2016.06.205",
        "Fast automatic segmentation of hippocampal subfields and medial temporal lobe "
        "subregions in 3 Tesla and 7 Tesla T2-weighted MRI",
        "Yushkevich, Paul A. and Pluta, John and others",
    ),
    "harvardoxford": _paper(
        "Desikan et al. 2006, NeuroImage 31:968",
        "10.1016/j.neuroimage.2006.01.021",
        "An automated labeling system for subdividing the human cerebral cortex on MRI scans into "
        "gyral based regions of interest",
        "Desikan, Rahul S. and Ségonne, Florent and others",
    ),
    "lucas": _paper(
        "Baker and Matthews 2004, International Journal of Computer Vision 56:221",
        "10.1023/B:VISI.0000011205.11775.fd",
        "Lucas-Kanade 20 years on: a unifying framework",
        "Baker, Simon and Matthews, Iain",
    ),
    "mavae": _paper(
        "Usman et al. 2024, arXiv:2411.10100",
        _ARXIV + "2411.10100",
        "Advancing multimodal brain age and sex prediction with an adversarial variational "
        "autoencoder",
        "Usman, M. and others",
    ),
    "mni": _paper(
        "Evans et al. 2012, NeuroImage 62:911",
        "10.1016/j.neuroimage.2012.01.024",
        "Brain templates and atlases",
        "Evans, Alan C. and Janke, Andrew L. and Collins, D. Louis and Baillet, Sylvain",
    ),
    "mriqc": _paper(
        "Esteban et al. 2017, PLOS ONE 12:e0184661",
        "10.1371/journal.pone.0184661",
        "MRIQC: Advancing the automatic prediction of image quality in MRI from unseen sites",
        "Esteban, Oscar and Birman, Daniel and others",
    ),
    "muse": _paper(
        "Doshi et al. 2016, NeuroImage 127:186",
        "10.1016/j.neuroimage.2015.11.073",
        "MUSE: MUlti-atlas region Segmentation utilizing Ensembles of registration algorithms and "
        "parameters, and locally optimal atlas selection",
        "Doshi, Jimit and Erus, Guray and others",
    ),
    "n4": _paper(
        "Tustison et al. 2010, IEEE Transactions on Medical Imaging 29:1310",
        "10.1109/TMI.2010.2046908",
        "N4ITK: Improved N3 bias correction",
        "Tustison, Nicholas J. and Avants, Brian B. and others",
    ),
    "nilearn": _paper(
        "Abraham et al. 2014, Frontiers in Neuroinformatics 8:14",
        "10.3389/fninf.2014.00014",
        "Machine learning for neuroimaging with scikit-learn",
        "Abraham, Alexandre and Pedregosa, Fabian and others",
    ),
    "normative": _paper(
        "Pinaya et al. 2021, Scientific Reports 11:15746",
        "10.1038/s41598-021-95098-0",
        "Using normative modelling to detect disease progression in mild cognitive impairment and "
        "Alzheimer's disease in a cross-sectional multi-cohort study",
        "Pinaya, Walter H. L. and Scarpazza, Cristina and others",
    ),
    "pitfalls": _paper(
        "Butler et al. 2021, Human Brain Mapping 42:4092",
        "10.1002/hbm.25533",
        "Pitfalls in brain age analyses",
        "Butler, Ellyn R. and Chen, Andrew and others",
    ),
    "roche": _paper(
        "Roche et al. 1998, Lecture Notes in Computer Science 1496:1115",
        "10.1007/BFb0056301",
        "The correlation ratio as a new similarity measure for multimodal image registration",
        "Roche, Alexis and Malandain, Grégoire and Pennec, Xavier and Ayache, Nicholas",
    ),
    "synthesis": _paper(
        "Billot et al. 2023, Medical Image Analysis 86:102789",
        "10.1016/j.media.2023.102789",
        "SynthSeg: Segmentation of brain MRI scans of any contrast and resolution without "
        "retraining",
        "Billot, Benjamin and Greve, Douglas N. and others",
    ),
    "unet": _paper(
        "Ronneberger et al. 2015, arXiv:1505.04597",
        _ARXIV + "1505.04597",
        "U-Net: Convolutional networks for biomedical image segmentation",
        "Ronneberger, Olaf and Fischer, Philipp and Brox, Thomas",
    ),
    "vae": _paper(
        "Kingma and Welling 2013, arXiv:1312.6114",
        _ARXIV + "1312.6114",
        "Auto-encoding variational Bayes",
        "Kingma, Diederik P. and Welling, Max",
    ),
}
BY_LINK = {reference.link: reference for reference in PAPERS.values()}
