"""``python -m benchmarks [core] [matrix] …``: measure, and print each figure with the ratio to its peer."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

from benchmarks.timing import show

SETS = (
    "core", "resolution", "hotplug", "matrix", "policies", "fleet", "million", "faults", "pages", "report", "reports",
)  # fmt: skip
#: Sets that may take an hour; they run when they are named.
LONG = ("million", "faults")


def main(arguments: list[str]) -> int:
    """Run the sets named, or all that do not take an hour."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks",
        description="Measure, and print each figure with the ratio to its peer; 2: the peer takes twice as long.",
        epilog="example: python -m benchmarks resolution --baseline ../virtkit-of-last-month",
    )
    what = f"what to measure: {', '.join(SETS)} (default: all but {', '.join(LONG)})"
    parser.add_argument("sets", nargs="*", metavar="SET", help=what)
    parser.add_argument(
        "--baseline",
        metavar="CHECKOUT",
        help="another checkout to measure in turn with this one (resolution, matrix, fleet)",
    )
    given = parser.parse_args(arguments)
    unknown = sorted(set(given.sets) - set(SETS))
    if unknown:
        parser.error(f"no benchmark called {', '.join(unknown)}; expected one of {', '.join(SETS)}")
    if given.baseline is not None:
        if not os.path.isdir(os.path.join(given.baseline, "virtkit")):
            parser.error(f"--baseline {given.baseline}: expected a checkout with a folder virtkit")
        os.environ["VIRTKIT_BASELINE"] = given.baseline
    for name in given.sets or [name for name in SETS if name not in LONG]:
        for figure in import_module(f"benchmarks.{name}").figures():
            show(figure)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
