"""``virtkit moves`` for a folder or a list: one line for each domain, the worst first."""

from __future__ import annotations

import json
import logging
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from virtkit.commands import tables
from virtkit.commands.live import given_uri, live_names, live_sources
from virtkit.wording import counted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from virtkit.domain.domain import Domain
    from virtkit.hotplug.upgrade import Upgrade
    from virtkit.readers.contract import ReaderOptions

__all__ = ["is_many", "run_many"]

log = logging.getLogger("virtkit")


def is_many(args: argparse.Namespace, options: ReaderOptions) -> bool:
    """Whether the input is a folder, or a file with several domains of which none was chosen."""
    if given_uri(args):
        return len(live_names(args)) != 1
    if args.before == "-" or getattr(args, "domain", ""):
        return False
    if Path(args.before).is_dir():
        return True
    from virtkit.domain.domain import Domain
    from virtkit.inputs import domains_in, one_source

    found = (one for _, one in domains_in(one_source(args.before), options) if isinstance(one, Domain))
    first = list(islice(found, 2))
    return len(first) == 2 and first[0].name != first[1].name


def run_many(
    args: argparse.Namespace,
    readers: tuple[ReaderOptions, ReaderOptions],
    change: Callable[[Domain, Domain], Upgrade],
) -> int:
    """Run the command on many domains. Returns 1 when one was rejected."""
    from virtkit.errors import VirtkitError
    from virtkit.fleet.upgrades import compared
    from virtkit.hotplug.upgrade import Rank
    from virtkit.inputs import sources

    found, rejected = [], 0
    for label, outcome in compared(live_sources(args) if given_uri(args) else sources([args.before]), readers, change):
        if isinstance(outcome, VirtkitError):
            log.error("%s", outcome)
            rejected += 1
        else:
            found.append((label, outcome))
    found.sort(key=lambda one: one[1].rank.order)
    if args.format == "json":
        answer = [{"input": label, **one.as_dict()} for label, one in found]
        tables.emit(json.dumps(answer, indent=1, ensure_ascii=False) + "\n", None)
    else:
        tables.emit("".join(f"{label}: {one.summary()}\n" for label, one in found), None)
    ranks = Counter(one.rank for _, one in found)
    counts = ", ".join(f"{rank}: {ranks[rank]}" for rank in Rank if ranks[rank])
    log.info("%s, %d rejected%s", counted(len(found), "domain"), rejected, f"; {counts}" if counts else "")
    return 1 if rejected else 0
