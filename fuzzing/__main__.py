"""``python -m fuzzing``: fuzzes the readers and the whole way, prints a table, and writes each finding to a file."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fuzzing.targets import READERS, TARGETS, WAYS, Target

__all__ = ["main"]

_GUIDED = 5
"""One input of so many is for libFuzzer."""

_EPILOG = """\
examples:
  python -m fuzzing --runs 10000 --way 1000
  python -m fuzzing domain-xml --runs 100000 --seed 7
  python -m fuzzing --replay build/fuzz/findings/way-kubevirt-1.yaml

--runs counts the inputs of all readers together, each with its share; --way those that go the whole way: resolve,
write, resolve again, draw, check, attach. The same seed gives the same inputs. The exit code is 1 when something was
found.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the fuzzer. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="fuzzing", description="Fuzzes virtkit's readers and the whole way from an input to its pictures.",
        epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"by default all: {', '.join(TARGETS)}")
    parser.add_argument("--runs", type=int, default=10_000, help="inputs of the readers (default: 10000)")
    parser.add_argument("--way", type=int, default=1000, help="inputs that go the whole way (default: 1000)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random numbers (default: 1)")
    parser.add_argument("--jobs", type=int, default=1, help="targets that are fuzzed at the same time (default: 1)")
    parser.add_argument("--engine", choices=("atheris", "lines"), help="default: atheris where it is installed")
    place = Path("build/fuzz")
    parser.add_argument("-o", "--output", type=Path, default=place, metavar="DIR", help=f"default: {place}")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="give one file, named TARGET-NUMBER, to its target")
    args = parser.parse_args(arguments)
    if args.replay is not None:
        return _replay(args.replay)
    if unknown := [name for name in args.targets if name not in TARGETS]:
        parser.error(f"no target {unknown[0]!r}; expected some of {', '.join(TARGETS)}")
    engine = args.engine or ("atheris" if importlib.util.find_spec("atheris") else "lines")
    chosen = list(_chosen(args))
    began = time.monotonic()
    with ThreadPoolExecutor(args.jobs) as pool:
        rows = list(pool.map(lambda one: _fuzzed(args, engine, *one), chosen))
    failed = _report(args, engine, [row for row in rows if row], time.monotonic() - began)
    return 1 if failed or not all(rows) else 0


def _chosen(args: argparse.Namespace) -> Iterator[tuple[Target, int]]:
    """Each target that is fuzzed, with the number of its inputs."""
    for group, runs in ((READERS, args.runs), (WAYS, args.way)):
        some = [one for one in group if not args.targets or one.name in args.targets]
        shares = sum(one.share for one in some)
        for one in some:
            if number := -(-runs * one.share // shares):
                yield one, number


def _fuzzed(args: argparse.Namespace, engine: str, target: Target, runs: int) -> dict[str, Any]:
    """Fuzz a target, and return what was counted; nothing when a process died.

    libFuzzer looks for new branches with a fifth of the inputs; the others are mutations of what it kept.
    """
    folder = args.output / target.name
    shutil.rmtree(folder, ignore_errors=True)
    guided = -(-runs // _GUIDED) if engine == "atheris" else 0
    parts = [_part(args, target, "atheris", guided, folder / "atheris")] if guided else []
    if guided < runs:
        begin = folder / "atheris" / "corpus" if guided else None
        parts.append(_part(args, target, "lines", runs - guided, folder / "lines", begin))
    return _joined(target, parts) if all(parts) else {}


def _joined(target: Target, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The counts of both engines together."""
    results: Counter[str] = Counter()
    findings: dict[str, list[Any]] = {}
    for part in parts:
        results.update(part["results"])
        for number, (key, (times, size, text)) in enumerate(part["findings"].items()):
            file = f"{part['folder']}/finding-{number}{target.ending}"
            before = findings.get(key, [0, size + 1, text, file])
            shortest = [size, text, file] if size < before[1] else before[1:]
            findings[key] = [before[0] + times, *shortest]
    return {
        "target": target.name, "inputs": sum(part["inputs"] for part in parts), "results": dict(results),
        "findings": findings, "seconds": sum(part["seconds"] for part in parts),
        "slowest": max(part["slowest"] for part in parts), "memory": max(part["memory"] for part in parts),
    }  # fmt: skip


def _part(
    args: argparse.Namespace, target: Target, engine: str, runs: int, folder: Path, begin: Path | None = None
) -> dict[str, Any]:
    """Fuzz a target with one engine in a process of its own."""
    folder.mkdir(parents=True)
    words = [target.name, "--runs", str(runs), "--seed", str(args.seed), "--engine", engine, "--output", str(folder)]
    words += ["--begin", str(begin)] if begin is not None else []
    memory = Path("/dev/shm")  # noqa: S108 (the folder in it has a random name)
    with (
        (folder / "log").open("wb") as log,
        TemporaryDirectory(prefix="fuzz-", dir=memory if memory.is_dir() else None) as scratch,
    ):
        # The order of sets must not depend on the run. A process of libFuzzer does not remove its files itself.
        environment = {**os.environ, "PYTHONHASHSEED": "0", "MPLBACKEND": "agg", "TMPDIR": scratch}
        done = subprocess.run(
            [sys.executable, "-m", "fuzzing.worker", *words], env=environment, stdout=log, stderr=log, check=False
        )
    try:
        found: dict[str, Any] = json.loads((folder / "counts.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = {"inputs": 0}
    if found["inputs"] < runs:
        ended = f"ended with status {done.returncode} after {found['inputs']} of {runs} inputs"
        print(f"{target.name}: {ended}; see {folder}/log")
        return {}
    return {**found, "folder": str(folder)}


def _report(args: argparse.Namespace, engine: str, rows: list[dict[str, Any]], seconds: float) -> bool:
    """Print the table and the findings. Returns whether something was found."""
    from fuzzing.coverage import covered, edges

    head = ("target", "inputs", "read", "refused", "CPU s", "ms each", "slowest s", "MB", "edges", "lines", "findings")
    table: list[tuple[object, ...]] = [head]
    for row in rows:
        name, inputs, cpu, results = row["target"], row["inputs"], row["seconds"], row["results"]
        folder = args.output / name
        table.append((
            name, inputs, results.get("read", 0), results.get("refused", 0), f"{cpu:.0f}",
            f"{1000 * cpu / max(inputs, 1):.2f}", row["slowest"], row["memory"], edges(folder / "atheris" / "log"),
            covered(TARGETS[name], folder), len(row["findings"]),
        ))  # fmt: skip
    widths = [max(len(str(line[column])) for line in table) for column in range(len(head))]
    for line in table:
        print("  ".join(str(cell).ljust(width) if at == 0 else str(cell).rjust(width)
                        for at, (cell, width) in enumerate(zip(line, widths, strict=True))))  # fmt: skip
    total = sum(row["inputs"] for row in rows)
    print(f"{total} inputs in {seconds:.0f} s, seed {args.seed}, engine {engine}")
    return _findings(args, rows)


def _findings(args: argparse.Namespace, rows: list[dict[str, Any]]) -> bool:
    """Write the smallest input of each finding to a file, and print its path."""
    from fuzzing.attempt import attempt, forbid_hangs
    from fuzzing.minimise import smaller

    forbid_hangs()
    folder = args.output / "findings"
    any_found = False
    for row in rows:
        target = TARGETS[row["target"]]
        for number, (key, (times, _, text, found)) in enumerate(row["findings"].items()):
            any_found = True
            folder.mkdir(parents=True, exist_ok=True)
            data = Path(found).read_bytes()
            file = folder / f"{target.name}-{number}{target.ending}"
            file.write_bytes(smaller(target, data, key))
            said = attempt(target, file.read_bytes(), every=True).text or text
            print(f"\n{target.name}: {key}, {times} times\n  {file}\n  {said.strip()[-700:]}")
    return any_found


def _replay(file: Path) -> int:
    """Give a file to the target that its name begins with, and print the result. Returns the exit code."""
    from fuzzing.attempt import attempt, forbid_hangs

    name = next((name for name in sorted(TARGETS, key=len, reverse=True) if file.name.startswith(name)), None)
    if name is None:
        print(f"{file}: expected a name that begins with a target: {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    forbid_hangs()
    attempt(TARGETS[name], file.read_bytes(), every=True)  # loads modules and facts, which takes a second
    found = attempt(TARGETS[name], file.read_bytes(), every=True)
    print(f"{name}: {found.result} in {found.seconds:.3f} s\n{found.text}".rstrip())
    return 1 if found.result == "found" else 0


if __name__ == "__main__":
    sys.exit(main())
