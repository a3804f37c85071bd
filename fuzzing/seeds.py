"""The inputs that mutations begin with, for each reader: samples, random domains, and small texts of every format."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from xml.sax.saxutils import quoteattr

from fuzzing.packed import Members, archive_seeds, compressed, tarred
from virtkit import facts
from virtkit.host import Host
from virtkit.readers.contract import SAVE_IMAGE
from virtkit.verify.generate import domain
from virtkit.verify.platforms import PLATFORMS

__all__ = [
    "archives", "devices", "documents", "domains", "json_lines", "kernels", "policies", "samples", "short_forms",
    "steps", "vocabulary",
]  # fmt: skip

_SAMPLES = Path(__file__).parent / "samples"


@cache
def samples(name: str) -> list[bytes]:
    """The files of a folder below ``fuzzing/samples``, in order."""
    return [file.read_bytes() for file in sorted((_SAMPLES / name).iterdir())]


@cache
def domains() -> list[bytes]:
    """The samples of domain XML, and small random domains of every platform."""
    samples = [file.read_bytes() for file in sorted(facts.path("domains").glob("*.xml"))]
    release = Host.default().libvirt
    drawn = [domain(number, release, platform, 3)[1].encode() for platform in PLATFORMS for number in range(4)]
    return [one for one in samples if len(one) < 2500] + drawn


@cache
def vocabulary() -> list[bytes]:
    """Random domains for their elements and values, and the values that libvirt accepts."""
    release = Host.default().libvirt
    drawn = [domain(1000 + number, release, platform, 30)[1].encode() for platform in PLATFORMS for number in range(12)]
    return [*drawn, *(_accepted(row) for row in facts.table("libvirt/accepted-values.csv"))]


def _accepted(row: dict[str, str]) -> bytes:
    """A row of accepted values as devices, one with each value."""
    tag, _, kind = row["element"].partition(":")
    of_kind = f" type={quoteattr(kind)}" if kind else ""
    name = row["attribute"]
    found = "".join(f"<{tag}{of_kind} {name}={quoteattr(value)}/>" for value in row["value"].split())
    return f"<devices>{found}</devices>".encode()


@cache
def documents() -> list[bytes]:
    """Documents in which libvirt keeps a domain: status, snapshot, checkpoint, save image, several in one."""
    inner = [one.decode() for one in domains()[:3] + domains()[-3:]]
    found = []
    for text in inner:
        text = text[text.index("<domain") :]
        found += [
            f"<domstatus state='running' reason='booted' pid='1'>\n<vcpus/>{text}</domstatus>",
            f"<domainsnapshot><name>s</name>{text}<inactiveDomain>{text}</inactiveDomain></domainsnapshot>",
            f"<domaincheckpoint><name>c</name>{text}</domaincheckpoint>",
            f"<!-- a comment -->\n\n<?xml version='1.0'?>\n{text}\n{text}",
        ]
    image = SAVE_IMAGE + b"\x02\0\0\0" + len(inner[0]).to_bytes(4, "little") + b"\0" * 76 + inner[0].encode() + b"\0"
    return [one.encode() for one in found] + [image]


@cache
def json_lines() -> list[bytes]:
    """JSON lines with domain XML, and with KubeVirt objects."""
    inner = [one.decode() for one in domains()[-6:]]
    objects = [
        {"name": "web", "xml": inner[0]}, {"id": 4, "guest": {"config": [inner[1]]}}, {"xml": inner[2], "b": inner[3]},
    ]  # fmt: skip
    spec: dict[str, object] = {"domain": {"devices": {}}}
    vmi = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance", "metadata": {"name": "v"}, "spec": spec}
    text = "\n".join(json.dumps(one) for one in (*objects, inner[4], vmi))
    return [text.encode(), *(json.dumps(one).encode() for one in (objects[0], inner[5], vmi))]


@cache
def archives() -> list[bytes]:
    """Archives of every form, with domains, KubeVirt objects, command lines and other files."""
    members: Members = [
        ("a.xml", domains()[0]), ("dir/b.xml", domains()[-1]), ("c.yaml", samples("kubevirt")[2]),
        ("d.cmdline", samples("command-lines")[0]),
        ("e.txt", b"no domain"), ("f.save", documents()[-1]), ("g.save", b"other"), ("n.xml", b"<network/>"),
    ]  # fmt: skip
    return archive_seeds(members)


@cache
def policies() -> list[bytes]:
    """Shipped policies that are small, and one with every kind of key."""
    files = sorted(facts.path("policies").glob("*.yaml"), key=lambda file: file.stat().st_size)
    return [file.read_bytes() for file in files if file.stat().st_size < 6000]


@cache
def kernels() -> list[bytes]:
    """A kernel configuration, plain and compressed, and a Debian package."""
    config = b"# Automatic\nCONFIG_VIRTIO=m\nCONFIG_VIRTIO_PCI=y\n# CONFIG_VIRTIO_BLK is not set\nCONFIG_X=\"a\"\n"
    control = b"Package: linux-image-6.1\nVersion: 6.1.1\nArchitecture: amd64\nDescription: x\n y\n"
    parts = (
        ("debian-binary", b"2.0\n"),
        ("control.tar.xz", compressed(tarred([("./control", control)]), "xz")),
        ("data.tar.xz", compressed(tarred([("./boot/config-6.1", config), ("./lib/modules/6.1/a.ko.xz", b"")]), "xz")),
    )
    package = b"!<arch>\n" + b"".join(
        f"{name:<16}{'0':<12}{'0':<6}{'0':<6}{'100644':<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
        for name, data in parts
    )
    return [config, compressed(config, "gzip"), package]


@cache
def devices() -> list[bytes]:
    """Single devices, as a user attaches them."""
    from lxml import etree

    roots = map(etree.fromstring, vocabulary()[:60])
    found = {etree.tostring(one, with_tail=False) for root in roots for one in root.iterfind("devices/*")}
    return sorted(found, key=lambda one: (len(one), one))[:400]


@cache
def steps() -> list[bytes]:
    """Lists of steps of ``virtkit attach --steps``."""
    some = [one.decode() for one in devices()]
    rows = [{"do": "attach", "to": "both", "xml": some[5]}, {"do": "detach", "to": "live", "xml": some[9]}]
    return [json.dumps(rows).encode(), json.dumps(rows[:1]).encode(), b"[]"]


@cache
def short_forms() -> list[bytes]:
    """Short forms of devices."""
    from virtkit.hotplug.forms import FORMS

    return [*(name.encode() for name in FORMS), b"3*disk:virtio-transitional", b"nic:e1000", b"1024*rng", b"dimm:512"]
