"""Agreement with KubeVirt's converter and with what libvirt made of its domains; skipped where it is not at hand."""

from __future__ import annotations

import importlib.util
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import etree

from virtkit import resolve
from virtkit.domain.domain import Domain
from virtkit.hotplug.device import read_device
from virtkit.hotplug.forms import Names
from virtkit.hotplug.running import Running
from virtkit.readers.contract import FoundDomain, NotRead, ReaderOptions, Reading
from virtkit.readers.kubevirt import READER

CONFORMANCE = Path(
    os.environ.get("VIRTKIT_CONFORMANCE", Path(__file__).resolve().parents[3] / "shared" / "conformance")
)
CORPUS = CONFORMANCE / "kubevirt"

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="the conformance corpus is not at hand"),
]

#: The variants of a case, each with the topology and, for those with a frozen slot count, where the manifest has it.
VARIANTS = {
    "v1": ("v1", ()),
    "v2": ("v2", ()),
    "v3": ("v3", ()),
    "v2frozen": ("v3", ("v2frozen_slot_count",)),
    "v1detected": ("v3", ("detect_1_6_to_1_8", "v1", "slot_count")),
    "v2detected": ("v3", ("detect_1_6_to_1_8", "v2", "slot_count")),
}
PREFIX = "kubevirt.io/pci-"


@cache
def entries() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((CORPUS / "manifest.json").read_text(encoding="utf-8"))["entries"]
    return found


@cache
def scorer() -> Any:
    spec = importlib.util.spec_from_file_location("score_resolve", CONFORMANCE / "score_resolve.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def readings(name: str, topology: str, slots: int | None = None) -> list[Reading]:
    """What becomes of a case; of one whose instance type the corpus lacks, of what KubeVirt filled in."""
    text = (CORPUS / f"{name}.vmi.yaml").read_text(encoding="utf-8")
    value = yaml.safe_load(text)
    if "instancetype" in value["spec"]:
        value = yaml.safe_load((CORPUS / f"{name}.defaulted.yaml").read_text(encoding="utf-8"))
    if slots is not None:
        instance = value["spec"]["template"] if value["kind"] == "VirtualMachine" else value
        marks = instance.setdefault("metadata", {}).setdefault("annotations", {})
        marks |= {f"{PREFIX}topology-version": "v2", f"{PREFIX}interface-slot-count": str(slots)}
    data = yaml.safe_dump(value, sort_keys=False).encode()
    return list(READER.read(data, name, ReaderOptions({"topology": topology})))


def devices(root: Any) -> list[tuple[Any, ...]]:
    """The devices of a converted domain in order: element, models, bus, name, index and address."""
    found = []
    for element in root.find("devices"):
        target = element.find("target")
        models = dict(scorer().models(element))
        models |= {key: element.get(key) for key in ("type", "index", "model") if element.tag == "controller"}
        name = target.get("dev") if element.tag == "disk" and target is not None else None
        found.append((element.tag, models, name, scorer().address(element)))
    return found


def test_devices_are_those_of_the_converter() -> None:
    """Element, model, bus, name, index and address of every device, in order; admission refuses what it should."""
    differing = []
    for entry in entries():
        [reading] = readings(entry["name"], "none")
        if isinstance(reading, NotRead):
            assert entry.get("admission_rejected"), reading.error
            continue
        assert isinstance(reading, FoundDomain)
        assert not entry.get("admission_rejected")
        wanted = etree.parse(CORPUS / f"{entry['name']}.converter.xml").getroot()
        if devices(reading.document.root) != devices(wanted):
            differing.append(entry["name"])
    assert differing == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_final_domain_is_that_of_libvirt(variant: str, tmp_path: Path) -> None:
    """After the last define: every controller, model and address of every case."""
    topology, path = VARIANTS[variant]
    differing = {}
    count = 0
    for entry in entries():
        wanted = CORPUS / f"{entry['name']}.{variant}.out.xml"
        if not wanted.exists():
            continue
        slots: Any = entry
        for key in path:
            slots = slots[key]
        [reading] = readings(entry["name"], topology, slots if path else None)
        assert isinstance(reading, FoundDomain)
        written = tmp_path / "got.xml"
        written.write_text(resolve(Domain(reading.document)).xml(), encoding="utf-8")
        answer = scorer().compare(scorer().extract(wanted), scorer().extract(written))
        count += 1
        if not answer["full"]:
            differing[entry["name"]] = answer["diffs"]
    assert count > 20
    assert differing == {}


def hotplugged(kind: str, model: str, names: Names) -> str:
    """The XML of a device as KubeVirt attaches it."""
    if kind == "nic-virtio":
        return f"<interface type='user'><mac address='{names.mac()}'/><model type='{model}'/></interface>"
    target = names.target("sd" if kind == "disk-scsi" else "vd")
    bus, chosen, address = "virtio", f" model='{model}'", ""
    if kind == "disk-scsi":
        bus, chosen = "scsi", ""
        address = f"<address type='drive' bus='0' controller='0' unit='{ord(target[-1]) - ord('a')}'/>"
    return (
        f"<disk type='file' device='disk'{chosen}><driver name='qemu' type='raw'/><source file='/srv/{target}'/>"
        f"<target dev='{target}' bus='{bus}'/>{address}</disk>"
    )


def test_hotplugged_devices_take_the_ports_that_are_free() -> None:
    """Disks and NICs that were attached to the running domain of v3 have the addresses observed, until none is left."""
    differing, count = [], 0
    for path in sorted(CORPUS.glob("*.hotplug.json")):
        seen = json.loads(path.read_text(encoding="utf-8"))
        [reading] = readings(seen["name"], "v3")
        assert isinstance(reading, FoundDomain)
        running = Running(resolve(Domain(reading.document)))
        names = Names(running.devices)
        for kind, wanted in seen["attached"]:
            effect = running.attach(read_device(hotplugged(kind, seen["model"], names)))
            count += 1
            if effect.refusal is None:
                address: Any = effect.new[-1].address
                pairs = {"type": address.type, **dict(address.pairs())}
                got = " ".join(f"{key}={value}" for key, value in sorted(pairs.items()))
                if address.type == "pci":
                    got = f"{address.bus:02x}:{address.slot:02x}.{address.function:x}"
            else:
                got = "ERROR"
            if got != wanted and not (got == "ERROR" and wanted.startswith("ERROR")):
                differing.append((seen["name"], kind, wanted, got))
    assert count > 400
    assert differing == []
