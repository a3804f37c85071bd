"""``python -m benchmarks [core] [matrix] …``: measure, and print each figure with the ratio to its peer."""

from __future__ import annotations

import sys
from importlib import import_module

from benchmarks.timing import show

SETS = ("core", "hotplug", "matrix", "policies", "fleet", "million", "faults", "pages", "report", "reports")


def main(names: list[str]) -> int:
    """Run the sets named, or all. Returns 2 for an unknown name."""
    unknown = set(names) - set(SETS)
    if unknown:
        print(f"no benchmark called {', '.join(sorted(unknown))}; expected one of {', '.join(SETS)}", file=sys.stderr)
        return 2
    for name in names or SETS:
        for figure in import_module(f"benchmarks.{name}").figures():
            show(figure)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
