"""Refusals of what QEMU or the machine does not have, from tables of facts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from virtkit import facts
from virtkit.domain.devices import Chardev, Controller, Device, Disk, Input, Video
from virtkit.domain.document import line_of
from virtkit.domain.vocabulary import accepted
from virtkit.errors import Refused
from virtkit.releases import Release, in_release
from virtkit.resolution.constraints.accepted import Ground
from virtkit.resolution.context import Context, Draft

__all__ = ["check_cpus", "check_drivers", "check_features", "feature_names"]

CFG = "unsupported configuration"


@cache
def _needed(at: Release) -> dict[tuple[str, str], tuple[tuple[str, ...], str]]:
    return {
        (row["kind"], row["model"]): (tuple(row["types"].split()), row["refusal"])
        for row in facts.table("libvirt/needed-drivers.csv")
        if in_release(row, at)
    }


@cache
def _needed_kinds(at: Release) -> frozenset[str]:
    """The kinds of device of which some need a driver."""
    return frozenset(name for kind, _ in _needed(at) for name in (kind, kind.partition(":")[0]))


def check_drivers(context: Ground, devices: Iterable[Device]) -> None:
    """Refuse a device that QEMU lacks. Raises Refused."""
    needed = _needed(context.at)
    trusted = context.trusts_controllers
    kinds = _needed_kinds(context.at)
    for device in devices:
        if device.kind not in kinds:
            continue
        if isinstance(device, Controller) and (trusted or f"controller:{device.type}" not in kinds):
            continue
        row = needed.get(_key(device))
        if row is not None and not any(context.emulator.has(type_) is not False for type_ in row[0]):
            raise Refused(CFG, row[1], device.label, device.line)


def _key(device: Device) -> tuple[str, str]:
    if isinstance(device, Controller):
        model = device.model if device.type == "scsi" else None
        return f"controller:{device.type}", model or "*"
    if isinstance(device, Input):
        return f"input:{device.bus}", device.type
    if isinstance(device, Disk):
        return f"disk:{device.bus}", "*"
    if isinstance(device, Chardev) and device.kind != "smartcard":
        return device.kind, device.target or "*"
    if isinstance(device, Video) and device.model == "virtio":
        return "video:frontend", device.frontend or "*"
    return device.kind, device.model or "*"


def feature_names(context: Context) -> frozenset[object]:
    """The tags of all nodes below ``<features>``."""
    first = context.children.get("features")
    if first is None:
        return frozenset()
    names = [one.tag for one in first]
    if len(context.root) > len(context.children):  # Some elements are there twice.
        names += [one.tag for other in first.itersiblings("features") for one in other]
    return frozenset(names)


def check_features(context: Context, names: frozenset[object]) -> None:
    """Refuse an element of ``<features>`` that the machine family does not have; ``names`` are those of all.

    Raises Refused.
    """
    features = context.children.get("features")
    if features is None or names <= _plain_features(context.at, context.family.name, context.arch):
        return
    known = accepted(context.at)["features", "child"]
    for feature in features.iterchildren("*"):
        if feature.tag not in known:
            raise Refused(CFG, f"unexpected feature '{feature.tag!s}'", "features", line_of(feature))
    present = {feature.tag for feature in features}
    for path, attribute, value, refusal in _foreign_features(context.at, context.family.name, context.arch):
        if path.partition("/")[0] not in present:
            continue
        found = features.find(path)
        if found is not None and not (value and found.get(attribute) not in (value, None)):
            what = refusal.format(arch=context.arch, machine=context.machine)
            raise Refused(CFG, what, f"feature {path}", line_of(found))


@cache
def _foreign_features(at: Release, family: str, arch: str) -> tuple[tuple[str, str, str, str], ...]:
    """The features that a family on an architecture lacks: (path, attribute, value, refusal)."""
    lacking = []
    for row in facts.table("libvirt/machine-features.csv"):
        families = row["families"].split()
        if in_release(row, at) and family not in families and arch not in families:
            where, _, value = row["feature"].partition("=")
            path, _, attribute = where.partition("@")
            lacking.append((path, attribute, value, row["refusal"]))
    return tuple(lacking)


@cache
def _plain_features(at: Release, family: str, arch: str) -> frozenset[object]:
    """The features that a family has, whatever their attributes and children are."""
    lacking = {path.partition("/")[0] for path, *_ in _foreign_features(at, family, arch)}
    return frozenset(accepted(at)["features", "child"] - lacking)


def check_cpus(context: Context, draft: Draft) -> None:
    """Refuse more vcpus than the machine type has, or than its interrupts reach. Raises Refused."""
    vcpu = context.children.get("vcpu")
    text = "1" if vcpu is None else (vcpu.text or "1").strip()
    if not text.isdigit():
        return
    count = int(text)
    machine = context.emulator.machines.get(context.machine)
    most = None if machine is None else machine.max_cpus
    if most is not None and count > most:
        raise Refused(CFG, f"Maximum CPUs greater than specified machine type limit {most}", f"{count} vcpus")
    if count > XAPIC_MOST and context.family.chipset == "q35" and "iommu-for-many-vcpus" not in context.behaves:
        drivers = [one.children["driver"] for one in draft.devices.iommus if "driver" in one.children]
        if not drivers or drivers[0].get("eim") != "on":
            raise Refused(
                CFG,
                f"more than {XAPIC_MOST} vCPUs require extended interrupt mode enabled on the iommu device",
                f"{count} vcpus",
            )


XAPIC_MOST = 255
"""vcpus that x86 interrupts reach without remapping. Source: QEMU, intel-iommu option eim."""
