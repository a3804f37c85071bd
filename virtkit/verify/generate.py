"""Random domains to compare with a live QEMU or libvirtd: the same seed gives the same domains everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from xml.sax.saxutils import quoteattr

from virtkit.host import Host
from virtkit.verify.mutations import mutate
from virtkit.verify.platforms import PLATFORMS
from virtkit.verify.random_devices import MAKERS, WITHOUT_PCI
from virtkit.verify.random_draft import Draft

__all__ = ["domain", "domains"]


def domain(seed: int, release: tuple[int, int], platform: str | None = None, largest: int = 40) -> tuple[str, str]:
    """(name, XML) of one random domain for a libvirt release; the same arguments give the same text.

    ``platform`` is a key of PLATFORMS, else drawn; ``largest`` bounds the number of device elements.
    About a third of the domains contain something that is wrong on purpose.
    """
    random = Random(f"virtkit {release} {seed}")  # noqa: S311 - no secrets here, the seed alone decides
    usable = {name: one for name, one in PLATFORMS.items() if name != "loongarch" or release >= (10, 2)}
    drawn = random.choices(list(usable), [one.weight for one in usable.values()])[0]
    name = platform or drawn
    draft = Draft(random, PLATFORMS[name], release, wild=random.choice((0.0, 0.0, 0.0, 0.05, 0.15)))
    size = min(largest, 1 + int(random.expovariate(1 / random.choice((4, 9, 9, 25)))))
    usable_makers = [row for row in MAKERS if draft.platform.root != "none" or row[0] in WITHOUT_PCI]
    makers, weights = zip(*usable_makers, strict=True)
    elements = [maker(draft) for maker in random.choices(makers, weights, k=size)]
    text = "".join(elements)
    own_usb = draft.platform.arch in ("x86_64", "i686", "ppc64") or draft.platform.root == "none"
    if not own_usb and "usb" in text and "type='usb' index='0'" not in text and draft.chance(0.93):
        elements.append(draft.usb_controller())
    if draft.chance(0.35):
        elements.append("<graphics type='vnc'/>")
    if draft.chance(0.3):
        share = f"<memballoon model='{draft.model('none', 'xen')}'>{draft.address()}</memballoon>"
        elements.append(share if draft.chance(0.7) else "<memballoon model='none'/>")
    if draft.chance(0.25):
        model = f" model='{draft.model()}'" if draft.chance(0.7) else ""
        elements.append(f"<vsock{model}><cid auto='yes'/>{draft.address()}</vsock>")
    random.shuffle(elements)
    machine = _machine(draft)
    title = f"{name}-{seed}"
    shared = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>" if draft.memory else ""
    # Elsewhere ACPI needs a UEFI, which is a matter of the host's firmware files.
    acpi = "<acpi/>" if draft.platform.arch in ("x86_64", "i686") else ""
    os = f"<os><type arch={quoteattr(draft.platform.arch)} machine={quoteattr(machine)}>hvm</type></os>"
    body = "".join(f"    {element}\n" for element in elements)
    vcpus = 2
    if name == "q35" and draft.chance(0.04):
        vcpus = 288
    features = acpi + ("<ps2 state='off'/>" if name == "q35" and release >= (10, 7) and draft.chance(0.05) else "")
    room = "<maxMemory slots='4' unit='KiB'>16777216</maxMemory>" if draft.nodes else ""
    cpu = ""
    if draft.nodes:
        cell = f"<cell id='0' cpus='0-{vcpus - 1}' memory='1048576' unit='KiB'/>"
        cpu = f"<cpu><numa>{cell}</numa></cpu>" if draft.platform.arch != "s390x" else ""
    text = (
        f"<domain type='qemu'>\n  <name>{title}</name>\n  {room}<memory unit='KiB'>1048576</memory>\n  {shared}\n"
        f"  <vcpu>{vcpus}</vcpu>\n  {os}\n"
        f"  <features>{features}</features>\n  {cpu}\n  <devices>\n{body}  </devices>\n</domain>\n"
    )
    return title, mutate(random, text) if draft.wild and draft.chance(0.3) else text


def _machine(draft: Draft) -> str:
    """A machine type of the platform; where the QEMU of the release lacks it, one that it has."""
    chosen = draft.one(*draft.platform.machines)
    emulator = Host.default(draft.release).emulator(draft.platform.arch)
    if emulator is None or emulator.machine(chosen) is not None:
        return chosen
    family = chosen.rpartition("-")[0]
    own = [one for one in emulator.names if one.rpartition("-")[0] == family]
    return draft.one(*own) if own else draft.platform.machines[0]


def domains(
    count: int, seed: int, release: tuple[int, int], platform: str | None = None, largest: int = 40
) -> Iterator[tuple[str, str]]:
    """``count`` random domains, numbered on from ``seed`` * 1,000,000."""
    for number in range(count):
        yield domain(seed * 1_000_000 + number, release, platform, largest)
