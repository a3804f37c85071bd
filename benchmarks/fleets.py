"""Seeded fleets of random domains: many domains of a few hundred templates, and domains that are all different.

``python -m benchmarks.fleets 1000000 --templates 300 | virtkit audit - -o fleet/`` generates a fleet on the fly, as
JSON lines. The same numbers give the same bytes everywhere.

The mix follows published domains: as ``virsh dumpxml`` prints them, half have at most 23 devices (children of
<devices>) and nine in ten fewer than 35. Templates are used unevenly, as flavours of a cloud are.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import tarfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random

from benchmarks.recipes import definition
from virtkit import VirtkitError, read, resolve

__all__ = ["Fleet", "Template", "main", "one_offs", "template", "write"]

#: The share of definitions as people write them, without the controllers and addresses that libvirt adds.
_WRITTEN = 0.12
_OPEN = re.compile(r"@(name|uuid|mac|serial|path|port)(\d*)@")


@dataclass(frozen=True, slots=True)
class Template:
    """A domain with open values: ``pieces`` are the texts around them, ``values`` their kinds and numbers."""

    pieces: tuple[str, ...]
    values: tuple[tuple[str, str], ...]

    def domain(self, name: str, random: Random) -> bytes:
        """A domain of this template: with this name, and a UUID, MAC addresses and paths of its own."""
        bits = random.getrandbits(128)
        known = {"name": name, "uuid": str(uuid.UUID(int=bits, version=4)), "path": f"/var/lib/libvirt/images/{name}"}
        parts = [self.pieces[0]]
        for (kind, number), piece in zip(self.values, self.pieces[1:], strict=True):
            parts += (known.get(kind) or _value(kind, number, bits), piece)
        return "".join(parts).encode()


def _value(kind: str, number: str, bits: int) -> str:
    mixed = bits >> 3 * int(number or 0)
    if kind == "mac":
        return f"52:54:{bytes([int(number), *(mixed & 0xFFFFFF).to_bytes(3)]).hex(':')}"
    return str(5900 + mixed % 1000) if kind == "port" else f"{mixed & 0xFFFFFFFF:08x}"


@cache
def template(seed: int) -> Template:
    """The template of a seed: a definition that libvirt accepts, often with what libvirt adds to it."""
    random = Random(f"virtkit template {seed}")
    while True:
        text = definition(random)
        try:
            resolved = resolve(read(_filled(text).encode()))
        except VirtkitError:
            continue
        if random.random() >= _WRITTEN:
            text = _opened(resolved.xml())
        pieces = _OPEN.split(text)
        return Template(tuple(pieces[::3]), tuple(zip(pieces[1::3], pieces[2::3], strict=True)))


#: What stands for each open value while a template is resolved.
_MARKS = {
    "name": "template-name",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "mac": "52:54:00:ff:ff:{:02x}",
    "serial": "template-serial-{}-",
    "path": "/template/path",
    "port": "5900",
}
_MARKED = re.compile(
    "(template-name)|(00000000-0000-4000-8000-000000000000)|(52:54:00:ff:ff:[0-9a-f]{2})|(template-serial-\\d+-)"
    "|(/template/path)|(?<=port=['\"])(5900)(?=['\"])"
)


def _filled(text: str) -> str:
    return _OPEN.sub(lambda found: _MARKS[found[1]].format(int(found[2] or 0)), text)


def _opened(text: str) -> str:
    def mark(found: re.Match[str]) -> str:
        kind = list(_MARKS)[(found.lastindex or 1) - 1]
        number = ""
        if kind == "mac":
            number = str(int(found[0][-2:], 16))
        elif kind == "serial":
            number = found[0].split("-")[2]
        return f"@{kind}{number}@"

    return _MARKED.sub(mark, text)


@dataclass(frozen=True, slots=True)
class Fleet:
    """``domains`` domains; of ``templates`` templates, or all different where that is 0."""

    domains: int
    templates: int
    seed: int = 1

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Pairs of a name and domain XML in UTF-8; lazy."""
        random = Random(f"virtkit fleet {self.seed}")
        if not self.templates:
            yield from one_offs(self.domains, self.seed, random)
            return
        first = self.seed * 1_000_000
        made = [template(first + number) for number in range(self.templates)]
        # The n-th template is used in proportion to 1/(n + 5): few are common, and most are not rare.
        weights = list(accumulate(1 / (number + 5) for number in range(self.templates)))
        for number in range(self.domains):
            (chosen,) = random.choices(made, cum_weights=weights)
            name = f"vm-{number:07}"
            yield name, chosen.domain(name, random)


def one_offs(domains: int, seed: int, random: Random) -> Iterator[tuple[str, bytes]]:
    """Domains of which each has a template of its own; no two are equal up to names."""
    seen: set[int] = set()
    number = 0
    for count in range(domains):
        while True:
            made = template.__wrapped__(seed * 1_000_000_000 + number)
            number += 1
            if (mark := hash(made.pieces)) not in seen:
                seen.add(mark)
                break
        name = f"one-{count:07}"
        yield name, made.domain(name, random)


def write(fleet: Fleet, path: str, form: str) -> None:
    """Write a fleet: "jsonl" to a file or ("-") standard output, "tar" to a file, or "folder"."""
    if form == "folder":
        Path(path).mkdir(parents=True, exist_ok=True)
        for name, data in fleet:
            (Path(path) / f"{name}.xml").write_bytes(data)
    elif form == "tar":
        with tarfile.open(path, "w") as out:
            for name, data in fleet:
                member = tarfile.TarInfo(f"{name[:6]}/{name}.xml")
                member.size = len(data)
                out.addfile(member, io.BytesIO(data))
    else:
        with sys.stdout if path == "-" else open(path, "w", encoding="utf-8") as stream:
            for name, data in fleet:
                stream.write(json.dumps({"name": name, "xml": data.decode()}) + "\n")


def main(arguments: list[str]) -> int:
    """Generates a fleet on standard output or in a file. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleets", description="Generate a fleet of domains.")
    parser.add_argument("domains", type=int, help="the number of domains")
    parser.add_argument("--templates", type=int, default=300, help="0: all different (default: 300)")
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    parser.add_argument("--form", choices=("jsonl", "tar", "folder"), default="jsonl", help="default: jsonl")
    parser.add_argument("-o", "--output", default="-", help="default: standard output")
    args = parser.parse_args(arguments)
    if args.domains < 0 or args.templates < 0:
        parser.error(f"expected numbers from 0 on, got {args.domains} domains and {args.templates} templates")
    if args.form != "jsonl" and args.output == "-":
        parser.error(f"--form {args.form} needs -o")
    try:
        write(Fleet(args.domains, args.templates, args.seed), args.output, args.form)
    except BrokenPipeError:
        return 1
    except OSError as problem:
        parser.error(f"-o {args.output}: {problem.strerror}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
