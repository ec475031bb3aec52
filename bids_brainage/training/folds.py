"""Folds that keep whole sites together, and which people each ensemble member leaves out."""

import numpy as np
from sklearn.model_selection import GroupKFold

from bids_brainage.training.tables import TrainingTable

BALANCE_JITTER = 0.5


def site_folds(table: TrainingTable, n_folds: int, *, split_single: bool = False) -> np.ndarray:
    """Assign every person to a test fold; a site is never split.

    Sites of people with both modalities are dealt out first, the other sites after, so that each
    fold has people of every kind. With fewer sites than folds, people are dealt out one by one,
    each with all their sessions.

    Parameters
    ----------
    split_single
        Deal out the people of samples with a single site one by one, so that an age range that
        only such a sample has is never missing from training.

    Returns
    -------
    np.ndarray
        Fold of each person, 0 to `n_folds` - 1; shape (n,).
    """
    fold = np.full(len(table), -1)
    both = table.has_both()
    units = table.sites.astype(object)
    if split_single:
        for dataset in np.unique(table.datasets):
            rows = table.datasets == dataset
            if len(set(units[rows])) == 1 and not rows.all():
                units[rows] = table.participants[rows]
    units = units.astype(str)
    with_both = np.isin(units, np.unique(units[both]))
    for chosen, counted in ((with_both, both), (~with_both, ~with_both)):
        rows = np.flatnonzero(chosen & counted)
        if rows.size == 0:
            continue
        groups = units[rows]
        if len(np.unique(groups)) < n_folds:
            everyone = np.flatnonzero(chosen)
            number, n = _people(table, everyone)
            fold[everyone] = np.random.default_rng(0).permutation(n)[number] % n_folds
            continue
        where: dict[str, int] = {}
        for k, (_, test) in enumerate(GroupKFold(n_folds).split(rows, groups=groups)):
            where |= dict.fromkeys(np.unique(groups[test]).tolist(), k)
        for site, k in where.items():
            fold[chosen & (units == site)] = k
    return fold


def within_site_folds(table: TrainingTable, n_folds: int) -> np.ndarray:
    """Deal the people of every site into all folds, so that no test site is unseen.

    Returns
    -------
    np.ndarray
        Fold of each person, 0 to `n_folds` - 1; shape (n,).
    """
    generator = np.random.default_rng(0)
    fold = np.empty(len(table), int)
    for site in np.unique(table.sites):
        rows = np.flatnonzero(table.sites == site)
        number, n = _people(table, rows)
        place = np.empty(n, int)
        place[generator.permutation(n)] = np.arange(n)
        fold[rows] = (place[number] + generator.integers(n_folds)) % n_folds
    return fold


def _people(table: TrainingTable, rows: np.ndarray) -> tuple[np.ndarray, int]:
    """Number of the person in each of some rows, in order of appearance, and how many there are."""
    names = [f"{table.datasets[row]}/{table.participants[row]}" for row in rows]
    number = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([number[name] for name in names], int), len(number)


def member_masks(
    table: TrainingTable,
    training: np.ndarray,
    members: int,
    parts: int,
    seed: int,
    *,
    single: bool = True,
) -> np.ndarray:
    """Choose the training people of each ensemble member.

    Sites are dealt into `parts` balanced parts, anew for each round of members, and each member
    leaves one part out. What it says of those people is as of a site nobody has seen.

    Parameters
    ----------
    training
        Mask of the training people; shape (n,).
    members
        Number of members.
    parts
        Number of parts; below 2 nobody is left out.
    seed
        Seed of the dealing.
    single
        Also leave out sites without connectivity; if not, all members see all of them.

    Returns
    -------
    np.ndarray
        Masks; shape (members, n).
    """
    if parts < 2:
        return np.repeat(training[None], members, axis=0)
    masks = []
    connected = table.has("connectivity")
    for start in range(0, members, parts):
        generator = np.random.default_rng([seed, start])
        part = np.full(len(table), -1)
        first = training & np.isin(table.sites, np.unique(table.sites[training & connected]))
        others = training & ~first
        for chosen in (first,) if first.any() and not single else (first, others):
            units = table.sites.astype(str)
            if len(np.unique(units[chosen])) < parts:
                units = np.char.add(units, table.participants.astype(str))
            _deal(units, chosen, parts, part, generator)
        masks += [training & (part != k) for k in range(min(parts, members - start))]
    return np.stack(masks)


def _deal(
    units: np.ndarray,
    chosen: np.ndarray,
    parts: int,
    part: np.ndarray,
    generator: np.random.Generator,
) -> None:
    """Deal units to the emptiest part, large ones first, with some jitter."""
    names, sizes = np.unique(units[chosen], return_counts=True)
    order = np.argsort(-sizes * np.exp(BALANCE_JITTER * generator.standard_normal(len(sizes))))
    load = np.zeros(parts)
    where = {}
    for i in order:
        emptiest = int(np.argmin(load + 1e-6 * generator.random(parts)))
        where[names[i]] = emptiest
        load[emptiest] += sizes[i]
    rows = np.flatnonzero(chosen)
    part[rows] = [where[units[row]] for row in rows]
