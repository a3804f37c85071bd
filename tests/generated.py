"""Whole answers about random domains, one line each: what tests compare with the files of ``tests/data/generated``.

A refusal is a sentence. An answer is counts, which are read, and digests, which say that nothing else changed. Where a
digest differs, ``python -m tests.generated RELEASE PLATFORM`` prints the answers themselves: run it before and after
the change of the code, and compare both.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice

import virtkit as vk
from tests.writing import host
from virtkit.compat.changes import fixed
from virtkit.errors import Refused
from virtkit.hotplug.session import Session, Step
from virtkit.releases import parse
from virtkit.serialization import resolved_json, topology_json
from virtkit.verify.generate import domain
from virtkit.verify.platforms import PLATFORMS

__all__ = ["SECTIONS", "attached", "resolutions", "reviews"]

#: The releases for which domains of this generator were compared with libvirt itself.
RELEASES = ("7.0", "9.0", "11.3", "12.8")

#: The releases with the platforms that their QEMU has.
SECTIONS = tuple(
    (release, name)
    for release in RELEASES
    for name, platform in PLATFORMS.items()
    if host(release).emulator(platform.arch) is not None
)

#: How many accepted domains of a release and platform are resolved, are reviewed, and get devices while they run.
RESOLVED, REVIEWED, PLUGGED = 16, 6, 4
#: The number of the first domain, and how many devices a domain has at most.
FIRST, LARGEST = 5_000_000, 20

#: The guests of reviews: with legacy, modern, both and no virtio drivers, with drivers to install, and unknown ones.
GUESTS = (
    "rhel6.10", "winxp", "debian12", "rhel5.4", "win7", "freebsd9.0", "win11", "openbsd7.0", "solaris11", "win2k",
    "ubuntu16.04", "", "rhel4.9", "netbsd9.0", "fedora36", "macosx10.7", "win10", "freebsd14.0", "debian5",
)  # fmt: skip

#: What is attached to running domains, one after another: a device of each way to find a place.
ATTACHED = (
    "<disk type='file' device='disk'><source file='/a'/><target dev='vdy' bus='virtio'/></disk>",
    "<input type='tablet' bus='usb'/>",
    "<input type='mouse' bus='usb'><address type='usb' bus='0' port='1'/></input>",
    "<input type='keyboard' bus='usb'><address type='usb' bus='0' port='1.3'/></input>",
    "<channel type='unix'><target type='virtio' name='attached'/></channel>",
    "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
    "<interface type='user'><model type='virtio-transitional'/></interface>",
    "<disk type='file' device='disk'><source file='/b'/><target dev='sdb' bus='scsi'/></disk>",
    "<disk type='file' device='disk'><source file='/c'/><target dev='sdx' bus='usb'/></disk>",
    "<memory model='dimm'><target><size unit='KiB'>524288</size><node>0</node></target></memory>",
    "<interface type='user'><model type='e1000e'/><address type='pci' bus='0' slot='0x1f' function='0'/></interface>",
)


def resolutions(release: str, platform: str) -> Iterator[tuple[str, str]]:
    """The resolution of each domain of a section: a line, and the answer that it stands for."""
    accepted = 0
    for title, found in _resolved(release, platform):
        if isinstance(found, Refused):
            yield f"{title} refused: {found}", f"{found}\n{found.remedy}"
            continue
        reasons = "".join(f"{one.device}, {one.line}, {one.rule}: {one.text}\n" for one in found.trace)
        parts = {"xml": found.xml(), "reasons": reasons, "json": resolved_json(found)}
        parts["topology"] = topology_json(found.topology)
        added = sum(device.added for device in found.devices)
        head = f"{title} {found.machine}: {len(found.devices)} devices, {added} of them added"
        yield f"{head}; {_digests(parts)}", "".join(parts.values())
        accepted += 1
        if accepted == RESOLVED:
            return


def reviews(release: str, platform: str) -> Iterator[tuple[str, str]]:
    """The reviews of each domain of a section for three guests: a line each, and the review that it stands for."""
    accepted = ((title, one) for title, one in _resolved(release, platform) if not isinstance(one, Refused))
    for number, (title, found) in enumerate(islice(accepted, REVIEWED)):
        for guest in (GUESTS[(3 * number + step) % len(GUESTS)] for step in range(3)):
            review = vk.check(found, guest or None, overrides=number % 4 != 3)
            verdicts = Counter(str(one.verdict) for one in review.devices)
            counts = [f"{times} {verdict}" for verdict, times in sorted(verdicts.items())]
            counts += [f"{len(review.changes)} changed", f"{len(review.remarks)} remarks"]
            parts = {"json": json.dumps(review.as_dict(), indent=1), "fixed": fixed(found, review)}
            yield f"{title} {guest or '-'}: {', '.join(counts)}; {_digests(parts)}", "".join(parts.values())


def attached(release: str, platform: str) -> Iterator[tuple[str, str]]:
    """The place of each of ATTACHED in each running domain of a section, one after another, or why it has none."""
    accepted = ((title, one) for title, one in _resolved(release, platform) if not isinstance(one, Refused))
    for title, found in islice(accepted, PLUGGED):
        session = Session(found)
        lines = []
        for xml in ATTACHED:
            outcome = session.step(Step("attach", "live", xml))
            changes = [f"{change.identity}: {_values(change.address)}" for change in outcome.live]
            lines.append(f"    {', '.join(changes) if outcome.ok else outcome.error}")
        yield "\n".join([title, *lines]), ""


def _values(address: str) -> str:
    """The values of an address without their names."""
    return " ".join(pair.partition("=")[2] for pair in address.split())


def _resolved(release: str, platform: str) -> Iterator[tuple[str, vk.Resolved | Refused]]:
    """The domains of a section: the title of each, and what it becomes."""
    for number in range(FIRST, FIRST + 2 * RESOLVED):
        title, text = domain(number, parse(release), platform, LARGEST)
        try:
            yield title, vk.resolve(vk.read(text), host(release))
        except Refused as error:
            yield title, error


def _digests(parts: dict[str, str]) -> str:
    return ", ".join(f"{name} {hashlib.sha256(part.encode()).hexdigest()[:8]}" for name, part in parts.items())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.generated", description="Print whole answers.")
    parser.add_argument("release", choices=RELEASES)
    parser.add_argument("platform", choices=PLATFORMS)
    options = parser.parse_args()
    for answers in (resolutions, reviews, attached):
        for line, answer in answers(options.release, options.platform):
            print(f"{line}\n{answer}")


if __name__ == "__main__":
    main()
