"""Read, resolve and write a domain. Peer: libvirt's define, dumpxml and undefine of the same domain.

The peer is libvirt through libvirt-python (extra ``verify``) at $VIRTKIT_URI or qemu:///system, in the same run.
Inputs are those of the conformance corpus when it is available, else ``data/domains``. The peer of a whole process is
a Python that does nothing.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.timing import Figure, best, process
from virtkit import Host, VirtkitError, facts, read, resolve
from virtkit.releases import OLDEST, dotted

__all__ = ["figures"]

ROUNDS = 3


def figures() -> Iterator[Figure]:
    """All measurements of the core."""
    peer = _peer()
    release = dotted(OLDEST) if peer is None else peer[1]
    host = Host.default(release)
    name = f"libvirt {release}"
    domains, where = _domains()

    def ours(inputs: list[bytes]) -> Callable[[], None]:
        def work() -> None:
            for data in inputs:
                with suppress(VirtkitError):
                    resolve(read(data), host).xml()

        return work

    accepted = domains if peer is None else [data for data in domains if peer[0](data)]
    each = best(ours(accepted)) / len(accepted)
    theirs = None if peer is None else best(lambda: [peer[0](data) for data in accepted], ROUNDS) / len(accepted)
    yield Figure(f"a domain of {where} ({len(accepted)})", each, name, theirs)
    for count in (250,):
        data = many_disks(count)
        theirs = None if peer is None else best(lambda data=data: peer[0](data))  # type: ignore[misc]
        yield Figure(f"a domain of {count} devices", best(ours([data])), name, theirs)
    small = 10
    unit = best(ours([many_disks(small)])) / small
    for count in (30, 100, 300, 1000):
        resolve(read(many_disks(count)), host)  # fail when the domain is refused
        seconds = best(ours([many_disks(count)]))
        note = f"{seconds / count * 1e6:.1f} us a device"
        yield Figure(f"a domain of {count} devices", seconds, f"linear from {small} devices", unit * count, note)
    base = process([sys.executable, "-c", "pass"])
    start = "python -c pass"
    yield Figure("python -c 'import virtkit'", process([sys.executable, "-c", "import virtkit"]), start, base)
    program = str(Path(sys.executable).with_name("virtkit"))
    sample = str(facts.path("domains") / "rhel6-q35-virtio.xml")
    yield Figure("virtkit resolve of one file, whole process", process([program, "resolve", sample]), start, base)
    yield Figure("virtkit --help, whole process", process([program, "--help"]), start, base)


def _domains() -> tuple[list[bytes], str]:
    corpora = Path(os.environ.get("VIRTKIT_CONFORMANCE", facts.root().parent.parent / "shared" / "conformance"))
    suite = corpora / "libvirt-9.0" / "libvirt-suite"
    if suite.is_dir():
        return [file.read_bytes() for file in sorted(suite.glob("*.in.xml"))], "libvirt-suite"
    return [file.read_bytes() for file in sorted(facts.path("domains").glob("*.xml"))], "data/domains"


def many_disks(count: int) -> bytes:
    """A pc domain with ``count`` virtio disks and enough bridges for them."""
    names = (_target(number) for number in range(count))
    bridges = "".join(
        f"<controller type='pci' index='{index}' model='pci-bridge'/>" for index in range(1, count // 30 + 2)
    )
    disks = "".join(
        f"<disk type='file'><source file='/{name}'/><target dev='{name}' bus='virtio'/></disk>" for name in names
    )
    return (
        "<domain type='qemu'><name>many</name><memory>1048576</memory><os><type arch='x86_64' machine='pc'>hvm</type>"
        f"</os><devices>{bridges}{disks}</devices></domain>"
    ).encode()


def _target(number: int) -> str:
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(97 + rest) + letters
    return f"vd{letters}"


def _peer() -> tuple[Callable[[bytes], bool], str] | None:
    """A function that lets libvirt define, dump and undefine a domain (False if refused), and libvirt's release."""
    try:
        import libvirt
    except ImportError:
        print("no peer: libvirt-python is not installed (pip install 'virtkit[verify]')", file=sys.stderr)
        return None
    libvirt.registerErrorHandler(lambda *_: None, None)
    try:
        connection: Any = libvirt.open(os.environ.get("VIRTKIT_URI", "qemu:///system"))
    except libvirt.libvirtError as error:
        print(f"no peer: {error}", file=sys.stderr)
        return None
    number = connection.getLibVersion()
    release = f"{number // 1000000}.{number // 1000 % 1000}"

    def ask(data: bytes) -> bool:
        from lxml import etree

        root = etree.fromstring(data)
        for tag, text in (("name", f"virtkit-bench-{uuid.uuid4()}"), ("uuid", str(uuid.uuid4()))):
            for element in root.findall(tag):
                root.remove(element)
            etree.SubElement(root, tag).text = text
        try:
            domain = connection.defineXML(etree.tostring(root, encoding="unicode"))
        except libvirt.libvirtError:
            return False
        domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
        domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
        return True

    return ask, release
