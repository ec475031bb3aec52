"""Order atlas regions by lobe and hemisphere from their names, for any atlas that names them."""

import re
from dataclasses import dataclass

# First match wins. Harvard-Oxford names come first, then Schaefer networks and common short names.
_GROUPS: tuple[tuple[str, str], ...] = (
    ("Insula and opercula", r"insul|operculum cortex|opercular cortex|frontal operc"),
    ("Cingulate", r"cingul|subcallosal"),
    ("Temporal", r"temporal occipital"),
    ("Occipital", r"lateral occipital|occipital fusiform|occipital pole|calcarine|cuneal|lingual"),
    (
        "Subcortical",
        r"thalam|caudate|putamen|pallidum|accumbens|amygdala|(?<!para)hippocamp(?!al gyrus)"
        r"|brain stem|ventric|ventral ?dc|cerebell",
    ),
    ("Parietal", r"parietal|postcentral|supramarginal|\bangular|precune"),
    ("Temporal", r"temporal|heschl|planum|fusiform|parahippocamp"),
    ("Frontal", r"frontal|precentral|juxtapositional|orbital|paracentral"),
    ("Occipital", r"occipital|cuneus"),
    ("Visual", r"\bvis(ual)?\b"),
    ("Somatomotor", r"\bsommot"),
    ("Dorsal attention", r"\bdorsattn"),
    ("Salience", r"\bsalventattn"),
    ("Limbic", r"\blimbic"),
    ("Control", r"\bcont\b"),
    ("Default mode", r"\bdefault"),
)
_ORDER = (
    "Frontal",
    "Insula and opercula",
    "Cingulate",
    "Temporal",
    "Parietal",
    "Occipital",
    "Visual",
    "Somatomotor",
    "Dorsal attention",
    "Salience",
    "Limbic",
    "Control",
    "Default mode",
    "Subcortical",
)
OTHER = "Other regions"


@dataclass(frozen=True)
class Block:
    """Neighbouring rows of one group, ``start`` included and ``stop`` left out."""

    name: str
    start: int
    stop: int


def group_of(name: str) -> str:
    """Lobe, network or structure group of a region name."""
    words = re.sub(r"[_\W]+", " ", name).lower()
    for group, pattern in _GROUPS:
        if re.search(pattern, words):
            return group
    return OTHER


def hemisphere_of(name: str) -> int:
    """Give 0 for left, 1 for right, 2 for a region of neither side."""
    words = set(re.sub(r"[_\W]+", " ", name).lower().split())
    if words & {"left", "l", "lh"}:
        return 0
    return 1 if words & {"right", "r", "rh"} else 2


def lobe_order(names: tuple[str, ...]) -> tuple[list[int], list[Block]]:
    """Order regions by lobe, and by hemisphere within a lobe.

    Returns
    -------
    tuple
        Positions in the new order, and the blocks they form. An atlas whose names say nothing
        keeps its own order and has one block.
    """
    groups = [group_of(name) for name in names]
    if not names or groups.count(OTHER) > len(names) / 2:
        return list(range(len(names))), []
    rank = {name: i for i, name in enumerate((*_ORDER, OTHER))}
    order = sorted(range(len(names)), key=lambda i: (rank[groups[i]], hemisphere_of(names[i]), i))
    blocks: list[Block] = []
    for position, index in enumerate(order):
        if blocks and blocks[-1].name == groups[index]:
            blocks[-1] = Block(groups[index], blocks[-1].start, position + 1)
        else:
            blocks.append(Block(groups[index], position, position + 1))
    return order, blocks
