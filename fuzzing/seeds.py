"""The inputs that mutations begin with, for each reader: the samples, random domains, and small texts of every format."""

from __future__ import annotations

import json
from functools import cache
from xml.sax.saxutils import quoteattr

from fuzzing.packed import Members, archive_seeds, compressed, tarred
from virtkit import facts
from virtkit.host import Host
from virtkit.readers.contract import SAVE_IMAGE
from virtkit.verify.generate import domain
from virtkit.verify.platforms import PLATFORMS

__all__ = ["vocabulary", *(
    "archives", "capabilities", "command_lines", "conf", "devices", "domains", "documents", "json_lines", "kernels",
    "kubevirt", "osinfo", "parameters", "policies", "replies", "short_forms", "steps", "tables",
)]  # fmt: skip


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


_CACHE = """<qemuCaps><emulator>/usr/bin/qemu-system-x86_64</emulator><selfvers>9000000</selfvers><flag name='lsi'/>
<flag name='intel-iommu'/><flag name='virtio-net'/><version>7002005</version><package>Debian</package><arch>x86_64</arch>
<machine type='kvm' name='pc-i440fx-7.2' alias='pc' maxCpus='255' default='yes'/>
<machine type='tcg' name='pc-q35-7.2' alias='q35' maxCpus='288' deprecated='yes'/></qemuCaps>"""
_DOMCAPS = """<domainCapabilities><path>/usr/bin/qemu-system-x86_64</path><domain>kvm</domain><machine>pc-q35-9.1</machine>
<arch>x86_64</arch><os supported='yes'><enum name='firmware'><value>efi</value></enum><loader supported='yes'>
<value>/usr/share/OVMF/OVMF_CODE.fd</value></loader></os><devices><disk supported='yes'><enum name='bus'>
<value>fdc</value><value>virtio</value><value>scsi</value></enum><enum name='model'><value>virtio</value>
<value>virtio-transitional</value></enum></disk><video supported='yes'><enum name='modelType'><value>vga</value>
<value>qxl</value></enum></video><tpm supported='no'/><rng supported='yes'><enum name='backendModel'><value>random</value>
</enum></rng></devices><features><gic supported='no'/></features></domainCapabilities>"""
_CAPABILITIES = """<capabilities><host><uuid>5bd5c9a8-4f0e-4d2f-8f6f-6c8c9f1f0001</uuid></host><guest><os_type>hvm</os_type>
<arch name='x86_64'><wordsize>64</wordsize><machine maxCpus='255'>pc-i440fx-7.2</machine>
<machine canonical='pc-i440fx-7.2' maxCpus='255'>pc</machine><machine maxCpus='288'>pc-q35-6.2</machine>
<domain type='qemu'/><domain type='kvm'/></arch></guest><guest><os_type>hvm</os_type><arch name='armv7l'>
<machine maxCpus='1'>vexpress-a15</machine><domain type='qemu'/></arch></guest></capabilities>"""


@cache
def capabilities() -> list[bytes]:
    """Documents on a host: libvirt's cache, domcapabilities and capabilities."""
    return [text.encode() for text in (_CACHE, _DOMCAPS, _CAPABILITIES)]


@cache
def replies() -> list[bytes]:
    """Replies of QEMU's monitor, alone, by command and as a transcript, and a shipped file of facts."""
    machines = [
        {"name": "pc-i440fx-11.1", "alias": "pc", "is-default": True, "cpu-max": 255, "default-cpu-type": "qemu64-x86_64-cpu"},
        {"name": "pc-q35-9.1", "cpu-max": 4096, "deprecated": False, "default-cpu-type": "qemu64-x86_64-cpu"},
    ]
    types = [{"name": "virtio-net-pci", "parent": "virtio-net-pci-base"}, {"name": "qemu64-x86_64-cpu", "parent": "x"}]
    version = {"qemu": {"major": 11, "minor": 1, "micro": 2}, "package": "Debian"}
    hello = {"QMP": {"version": version, "capabilities": []}}
    whole = {"query-machines": machines, "qom-list-types": types, "query-target": {"arch": "x86_64"}, "query-version": version}
    shipped = json.loads(facts.path("qemu/7.2/s390x.json").read_text(encoding="utf-8"))
    small = {key: value[:3] if isinstance(value, list) else value for key, value in shipped.items()}
    small = {key: dict(list(value.items())[:3]) if isinstance(value, dict) else value for key, value in small.items()}
    transcript = "\n".join(json.dumps(one) for one in (hello, {"return": machines}, {"return": types}))
    found = [machines, {"return": machines}, {"return": types}, whole, [hello, {"return": machines}], small]
    return [*(json.dumps(one).encode() for one in found), transcript.encode()]


@cache
def kubevirt() -> list[bytes]:
    """KubeVirt machines: alone, in a list, in several documents, with and without anchors."""
    devices = """      devices:
        disks:
        - {name: root, disk: {bus: virtio}, bootOrder: 1}
        - {name: cd, cdrom: {bus: sata, tray: open}}
        - {name: lun, lun: {bus: scsi}}
        interfaces:
        - {name: default, masquerade: {}, model: virtio, macAddress: "52:54:00:00:00:01"}
        - {name: other, bridge: {}, model: e1000, pciAddress: "0000:02:01.0"}
        inputs: [{type: tablet, bus: usb, name: t}]
        watchdog: {name: w, i6300esb: {action: reset}}
        rng: {}
        tpm: {}
        gpus: [{name: g, deviceName: nvidia.com/TU104}]
        hostDevices: [{name: h, deviceName: x/y}]
        filesystems: [{name: fs, virtiofs: {}}]
        sound: {name: s, model: ich9}
        useVirtioTransitional: true
        autoattachMemBalloon: true
        blockMultiQueue: true
"""
    domain = f"""    domain:
      cpu: {{cores: 2, sockets: 1, threads: 1}}
      machine: {{type: q35}}
      memory: {{guest: 1Gi}}
      firmware: {{bootloader: {{efi: {{secureBoot: false}}}}}}
      features: {{acpi: {{}}, smm: {{enabled: true}}}}
      resources: {{requests: {{memory: 1Gi, cpu: "2"}}}}
{devices}    networks: [{{name: default, pod: {{}}}}, {{name: other, multus: {{networkName: n}}}}]
    volumes:
    - {{name: root, containerDisk: {{image: 'registry.example/os:1'}}}}
    - {{name: cd, cloudInitNoCloud: {{userData: x}}}}
    - {{name: lun, persistentVolumeClaim: {{claimName: c}}}}
"""
    head = "apiVersion: kubevirt.io/v1\nkind: {}\nmetadata: {{name: vm, namespace: n, annotations: {{a: b}}}}\n"
    instance = head.format("VirtualMachineInstance") + "spec:\n" + domain.replace("\n  ", "\n")[2:]
    machine = head.format("VirtualMachine") + "spec:\n  template:\n    spec:\n" + "".join(
        f"  {line}\n" for line in domain.splitlines()
    )
    small = head.format("VirtualMachineInstance") + "spec: {domain: {devices: {}, memory: {guest: 64Mi}}}\n"
    anchors = small.replace("{devices: {}", "&d {devices: &e {}, x: *e")
    replica = head.format("VirtualMachineInstanceReplicaSet") + "spec:\n  template:\n    spec: {domain: {devices: {}}}\n"
    items = json.dumps({"apiVersion": "v1", "kind": "List", "items": [{"kind": "Pod"}, {"apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance", "metadata": {"name": "j"}, "spec": {"domain": {"devices": {}}}}]})  # fmt: skip
    texts = (instance, machine, small, anchors, replica, items, f"---\n{small}---\n{machine}...\n", "# x\n" + small)
    return [text.encode() for text in texts]


@cache
def command_lines() -> list[bytes]:
    """QEMU command lines: of a process, of ps, of a script, of a log, with configuration files."""
    x86 = "qemu-system-x86_64"
    texts = (
        f"{x86} -M q35 -nodefaults -device pcie-root-port,id=rp1,chassis=1,bus=pcie.0,addr=1 -device virtio-net-pci,bus=rp1",
        f"{x86} -M pc -m 1G -smp 2 -drive file=/d.img,if=virtio,format=raw -nic user,model=virtio -vga std -usb -usbdevice tablet",
        f"{x86} -machine pc-i440fx-7.2,accel=kvm -drive file=/a,if=none,id=d0 -device virtio-blk-pci,drive=d0,addr=0x5 -net nic",
        f"{x86} -M q35 -device '{{\"driver\":\"virtio-scsi-pci\",\"id\":\"s\",\"bus\":\"pcie.0\",\"addr\":\"0x3\"}}' -device scsi-hd,bus=s.0,drive=x",
        f"{x86} -M pc -device lsi,id=l -device scsi-cd,bus=l.0,scsi-id=3 -device pci-bridge,id=b,chassis_nr=2 -device e1000,bus=b,addr=1",
        f"#!/bin/sh\nA=4\nDISKS=(-hda a.img -cdrom b.iso)\nexec {x86} -M q35 \\\n  -m ${{A}}G \"${{DISKS[@]}}\" -audio pa,model=hda # end\n",
        f"  PID COMMAND\n 4711 {x86} -name guest=web,debug-threads=on -M pc -device virtio-balloon-pci\n 4712 {x86} -M q35 -watchdog i6300esb\n",
        f"2026-01-02 10:11:12.000+0000: starting up libvirt version: 9.0.0, qemu version: 7.2.22, kernel: 6.1, hostname: h\nLC_ALL=C \\\nPATH=/bin \\\n/usr/bin/{x86} \\\n-name guest=web \\\n-machine pc-q35-7.2 \\\n-device virtio-rng-pci,bus=pcie.0,addr=0x4\n",
        f"/usr/bin/{x86}\0-M\0q35\0-device\0virtio-gpu-pci,id=g\0-readconfig\0pve-q35-4.0.cfg\0",
        '[device "ehci"]\n  driver = "ich9-usb-ehci1"\n  addr = "1d.7"\n  multifunction = "on"\n[drive]\n  if = "virtio"\n  file = "a"\n',
        "qemu-system-aarch64 -M virt -cpu max -device virtio-blk-device,drive=d -device virtio-net-pci -drive id=d,if=none,file=a",
        "qemu-system-s390x -M s390-ccw-virtio -device virtio-blk-ccw,devno=fe.0.0001,drive=d -device virtio-net-pci",
        "qemu-system-ppc64 -M pseries -device spapr-vlan -device spapr-pci-host-bridge,index=1,id=p -device e1000,bus=p.0",
        f"{x86} -M pc -global virtio-blk-pci.disable-legacy=on -device virtio-blk-pci,disable-modern=off,drive=x -fsdev local,id=f,path=/x,security_model=none -virtfs local,path=/,mount_tag=t,security_model=none",
    )  # fmt: skip
    return [text.encode() for text in texts]


@cache
def conf() -> list[bytes]:
    """Configurations of Proxmox VE."""
    texts = (
        "agent: 1\nboot: order=scsi0;net0\ncores: 2\nmachine: q35\nmemory: 2048\nname: web\nnet0: virtio=AA:BB:CC:00:00:01,bridge=vmbr0\nscsi0: local:vm-100-disk-0,size=32G,iothread=1\nscsihw: virtio-scsi-single\nostype: l26\n",
        "bios: ovmf\nefidisk0: local:e,size=4M\nhostpci0: 01:00,pcie=1,x-vga=1\nhostpci1: mapping=gpu\nide2: none,media=cdrom\nmachine: pc-q35-8.1\nmemory: 4096\nostype: win11\nsata0: local:a,size=1G\ntpmstate0: local:t,version=v2.0\nusb0: host=1-2,usb3=1\nusb1: spice\nvga: qxl2\nvirtio0: local:b,size=2G\nvirtio15: local:c\n",
        "args: -device virtio-rng-pci\naudio0: device=ich9-intel-hda\nballoon: 0\nmemory: 512\nostype: l26\nparallel0: /dev/x\nrng0: source=/dev/urandom\nserial0: socket\nvga: std,memory=16\nnet0: e1000=AA:BB:CC:00:00:01\nnet31: rtl8139\n[snap]\nmemory: 1\n[PENDING]\nmachine: pc\n",
        "arch: aarch64\nmachine: virt\nmemory: 1024\nnet0: virtio\nscsi0: local:x\nscsi1: local:y\nscsihw: lsi\nunused0: local:z\nnuma: 1\nsockets: 2\nvcpus: 1\n",
    )  # fmt: skip
    return [text.encode() for text in texts]


@cache
def json_lines() -> list[bytes]:
    """JSON lines with domain XML, and with KubeVirt objects."""
    inner = [one.decode() for one in domains()[-6:]]
    objects = [{"name": "web", "xml": inner[0]}, {"id": 4, "guest": {"config": [inner[1]]}}, {"xml": inner[2], "b": inner[3]}]
    vmi = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance", "metadata": {"name": "v"}, "spec": {"domain": {"devices": {}}}}
    text = "\n".join(json.dumps(one) for one in (*objects, inner[4], vmi))
    return [text.encode(), json.dumps(objects[0]).encode(), json.dumps(inner[5]).encode() + b"\n", json.dumps(vmi).encode()]


@cache
def archives() -> list[bytes]:
    """Archives of every form, with domains, KubeVirt objects, command lines and other files."""
    members: Members = [
        ("a.xml", domains()[0]), ("dir/b.xml", domains()[-1]), ("c.yaml", kubevirt()[2]), ("d.cmdline", command_lines()[0]),
        ("e.txt", b"no domain"), ("f.save", documents()[-1]), ("g.save", b"other"), ("n.xml", b"<network/>"),
    ]  # fmt: skip
    return archive_seeds(members)


@cache
def osinfo() -> list[bytes]:
    """Files of an osinfo-db."""
    net, block = "pcisig.com/pci/1af4/1000", "pcisig.com/pci/1af4/1001"
    one = f"""<libosinfo version="0.0.1"><os id="http://x.org/x/1"><short-id>x1</short-id><short-id>x1-alias</short-id>
<name>X 1</name><name xml:lang="de">Y</name><version>1</version><vendor>V</vendor><family>linux</family><distro>x</distro>
<upgrades id="http://x.org/x/0"/><derives-from id="http://x.org/x/0"/><clones id="http://x.org/x/2"/>
<release-date>2020-02-03</release-date><eol-date>2025</eol-date><release-status>prerelease</release-status>
<devices><device id="http://{net}"/><device id="http://{block}" supported="false"/></devices>
<driver arch="x86_64" pre-installable="true" signed="false" location="http://x.org/d"><file>a.inf</file><device id="http://{net}"/></driver>
</os></libosinfo>"""
    other = one.replace("x/1", "x/2").replace("x/0", "x/1").replace("x1", "x2")
    device = f'<libosinfo><device id="http://{net}"><vendor>Red Hat</vendor><name>virtio-net</name><class>net</class></device></libosinfo>'
    return [text.encode() for text in (one, other, device)]


@cache
def policies() -> list[bytes]:
    """Shipped policies that are small, and one with every kind of key."""
    files = sorted(facts.path("policies").glob("*.yaml"), key=lambda file: file.stat().st_size)
    return [file.read_bytes() for file in files if file.stat().st_size < 6000]


@cache
def parameters() -> list[bytes]:
    """Parameters of notebooks, as YAML and as JSON."""
    return [b"domains: data/domains\noverrides: true\nguests: 'rhel*'\nlimit: 3\n", b'{"domains": "x", "kinds": ["net"], "n": 1.5}']


@cache
def kernels() -> list[bytes]:
    """A kernel configuration, plain and compressed, and a Debian package."""
    config = b"# Automatically generated\nCONFIG_VIRTIO=m\nCONFIG_VIRTIO_PCI=y\n# CONFIG_VIRTIO_BLK is not set\nCONFIG_X=\"a\"\n"
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

    found = {etree.tostring(one, with_tail=False) for text in vocabulary()[:60] for one in etree.fromstring(text).iterfind("devices/*")}
    return sorted(found, key=lambda one: (len(one), one))[:400]


@cache
def steps() -> list[bytes]:
    """Lists of steps of ``virtkit attach --steps``."""
    rows = [{"do": "attach", "to": "both", "xml": devices()[5].decode()}, {"do": "detach", "to": "live", "xml": devices()[9].decode()}]
    return [json.dumps(rows).encode(), json.dumps(rows[:1]).encode(), b"[]"]


@cache
def short_forms() -> list[bytes]:
    """Short forms of devices."""
    from virtkit.hotplug.forms import FORMS

    return [*(name.encode() for name in FORMS), b"3*disk:virtio-transitional", b"nic:e1000", b"1024*rng", b"dimm:512"]


@cache
def tables() -> list[bytes]:
    """Tables of keys for ``virtkit interface`` and ``virtkit firmware``, as CSV."""
    return [
        b"arch,machine,kind,model,location\nx86_64,pc-q35-8.2,disk,virtio,pcie\nx86_64,pc-i440fx-8.2,net,virtio-transitional,pci\n",
        b"qemu,arch,machine,kind,model,location\n9.0,s390x,s390-ccw-virtio,rng,virtio,ccw\n",
        b"firmware,arch,machine,device,model,location\nSeaBIOS,x86_64,pc,disk,virtio,pci\n",
    ]
