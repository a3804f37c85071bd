"""A process that works on domains for ``benchmarks.resolution``: ``python worker.py``, one request a line.

It uses only names that every revision since c7e1e4a has, so that the same file can run with an older checkout. A
request is a JSON object: ``load`` names the inputs; ``accepted`` asks for the numbers of those that are accepted;
``work`` names the work to do once with each n-th input, ``part`` the first of them and ``of`` the n. The answer to it
is the CPU time in seconds.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lxml import etree

Work = Callable[[bytes], object]


def _works(host: Any) -> dict[str, Work]:
    """What can be done with one domain, by name."""
    import virtkit
    from virtkit.compat.check import check

    def floor(data: bytes) -> object:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        return etree.tostring(etree.fromstring(data, parser))

    return {
        "floor": floor,
        "read": virtkit.read,
        "resolve": lambda data: virtkit.resolve(virtkit.read(data), host),
        "write": lambda data: virtkit.resolve(virtkit.read(data), host).xml(),
        "check": lambda data: check(virtkit.resolve(virtkit.read(data), host)),
    }


def _accepted(inputs: list[bytes], work: Work) -> list[int]:
    from virtkit import VirtkitError

    found = []
    for number, data in enumerate(inputs):
        try:
            work(data)
        except VirtkitError:
            continue
        found.append(number)
    return found


def _seconds(inputs: list[bytes], work: Work) -> float:
    gc.collect()
    start = time.process_time()
    for data in inputs:
        work(data)
    return time.process_time() - start


def main() -> None:
    """Answer the requests on standard input until it ends."""
    import virtkit

    inputs: list[bytes] = []
    works: dict[str, Work] = {}
    for line in sys.stdin:
        request = json.loads(line)
        answer: object
        if "load" in request:
            inputs = [Path(name).read_bytes() for name in request["load"]]
            works = _works(virtkit.Host.named(libvirt=request["libvirt"]))
            answer = len(inputs)
        elif "accepted" in request:
            answer = _accepted(inputs, works["check"])
        else:
            answer = _seconds(inputs[request["part"] :: request["of"]], works[request["work"]])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
