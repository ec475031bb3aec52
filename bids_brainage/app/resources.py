"""How many workers, and how many threads each: by CPUs and memory."""

import logging
import os
from pathlib import Path

from bids_brainage.app.plan import Plan
from bids_brainage.config import RunConfig

logger = logging.getLogger(__name__)
MOST_THREADS = 4
RAW_MEMORY = 4 * 2**30
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def share_cpus(config: RunConfig, plan: Plan) -> tuple[int, int]:
    """Choose the number of workers and the threads of each.

    Where no derivatives were found, every session is raw: its steps use threads. A worker that
    meets a raw session may need 4 GB. Features of derivatives take one thread and little memory.

    Returns
    -------
    workers, threads
        At least one each.
    """
    sessions = max(len(plan.keys), 1)
    dataset = plan.dataset
    by_memory = max(1, int(available_memory() // RAW_MEMORY))
    if not config.raw or dataset.raw is None:
        return config.nprocs, config.threads or 1
    if dataset.derivatives and dataset.freesurfer:
        return min(config.nprocs, by_memory), config.threads or 1
    threads = config.threads or min(MOST_THREADS, max(1, config.nprocs // sessions), config.nprocs)
    if config.threads is None and config.nprocs > 1:
        threads = max(threads, 2)
    workers = max(1, min(config.nprocs // threads, by_memory))
    logger.info("%d workers with %d threads each for raw images", workers, threads)
    return workers, threads


def available_memory() -> float:
    """Memory in bytes that this process may use: of the machine, or of its control group."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in LIMITS:
        try:
            found.append(int(Path(name).read_text()))
        except (OSError, ValueError):
            continue
    return float(min(found))
