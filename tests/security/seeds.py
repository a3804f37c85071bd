"""Inputs with a secret at every place that can hold one; each secret names its place."""

from __future__ import annotations

import base64
import json
from pathlib import Path

__all__ = ["MARK", "encoded", "write_inputs"]

#: Every secret begins with this; what follows is its place.
MARK = "S3CR3T"


def secret(place: str) -> str:
    """The secret of a place."""
    return f"{MARK}{place}"


def encoded() -> tuple[bytes, ...]:
    """The mark as plain text, and in base64 as it begins a text or stands one or two bytes later."""
    plain = MARK.encode()
    inside = (base64.b64encode(b"\0" * shift + plain)[4 * bool(shift) :] for shift in range(3))
    # The last characters depend on what follows the mark.
    return (plain, *(text[: len(text) // 4 * 4 - 4] for text in inside))


def domain(extra: str = "", devices: str = "", machine: str = "q35") -> str:
    """A domain with a secret at each place of libvirt's format; ``extra`` and ``devices`` add elements."""
    s = secret
    return f"""<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>sealed</name>
  <metadata><app:login xmlns:app='http://example.com/app'><app:token>{s("metadata")}</app:token></app:login>
    <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">
      <libosinfo:os id="http://redhat.com/rhel/6.10"/></libosinfo:libosinfo></metadata>
  <memory unit='GiB'>1</memory><vcpu>1</vcpu>
  <sysinfo type='smbios'><system><entry name='serial'>ds=nocloud;s=http://u:{s("smbios")}@h/</entry></system></sysinfo>
  <sysinfo type='fwcfg'><entry name='opt/com.coreos/config'>{s("fwcfg")}</entry></sysinfo>
  <os><type arch='x86_64' machine='{machine}'>hvm</type><kernel>/k</kernel><cmdline>password={s("cmdline")}</cmdline>
    <smbios mode='sysinfo'/></os>
  <features><acpi/></features>
  <devices>
    <disk type='network' device='disk'>
      <source protocol='https' name='image.qcow2?sig={s("url")}' query='token={s("query")}'>
        <host name='store.example.com' port='443'/>
        <cookies><cookie name='session'>{s("cookie")}</cookie></cookies></source>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='disk'>
      <source file='json:{{"file.password":"{s("json")}"}}'/><target dev='vdb' bus='virtio'/></disk>
    <interface type='user'><model type='virtio'/></interface>
    <graphics type='vnc' port='-1' autoport='yes' passwd='{s("vnc")}'/>
    <graphics type='spice' autoport='yes' passwd='{s("spice")}'/>
    <video><model type='virtio'/></video>
    {devices}
  </devices>
  <launchSecurity type='sev'><cbitpos>47</cbitpos><reducedPhysBits>1</reducedPhysBits><policy>0x0001</policy>
    <dhCert>{s("dhcert")}</dhCert><session>{s("session")}</session></launchSecurity>
  {extra}
  <qemu:commandline>
    <qemu:arg value='-object'/><qemu:arg value='secret,id=s0,data={s("object")}'/>
    <qemu:arg value='-device'/><qemu:arg value='virtio-rng-pci,id={s("qemuarg")}'/>
    <qemu:env name='API_TOKEN' value='{s("env")}'/>
  </qemu:commandline>
  <qemu:override><qemu:device alias='virtio-disk0'><qemu:frontend>
    <qemu:property name='serial' type='string' value='{s("override")}'/></qemu:frontend></qemu:device></qemu:override>
</domain>
"""


def _broken() -> dict[str, str]:
    """Domains that are refused at, or next to, a secret."""
    s = secret
    good = domain()
    return {
        "valid-to": good.replace("passwd='", f"passwdValidTo='{s('validto')}' passwd='", 1),
        "port": good.replace("port='-1'", "port='many'"),
        "type": good.replace("type='spice'", "type='spicy'"),
        "tag": good.replace("</graphics>", "").replace(f"passwd='{s('spice')}'/>", f"passwd='{s('spice')}'>"),
        "entity": good.replace(s("vnc"), f"a&{s('entity')};b"),
        "quote": good.replace(f"passwd='{s('vnc')}'", f"passwd='{s('quote')}"),
        "twice": good.replace(f"passwd='{s('vnc')}'", f"passwd='x' passwd='{s('twice')}'"),
        "override": good.replace("type='string'", f"type='{s('overridetype')}'"),
        "protocol": good.replace("protocol='https'", f"protocol='https://u:{s('protocol')}@h'"),
        "host": good.replace("port='443'", f"port='{s('hostport')}'"),
        "sev": good.replace("<cbitpos>47</cbitpos>", f"<cbitpos>{s('cbitpos')}</cbitpos>"),
        "env": good.replace("name='API_TOKEN'", "").replace("<cookie name='session'>", "<cookie>"),
        "second": good + f"<!-- {s('trailing')} --> {s('text')}",
        "slot": good.replace("<video>", "<video><address type='pci' domain='0' bus='9' slot='77' function='0'/>"),
        "cdata": good.replace(s("metadata"), f"<![CDATA[{s('cdata')}"),
        "comment": good.replace("<video>", f"<!-- {s('comment')} -- --><video>"),
        "bare": good.replace(s("metadata"), f"a<{s('bare')}"),
        "target": good.replace("dev='vdb'", "dev='vda'"),
        "device": good.replace("virtio-rng-pci,id=", "virtio-rng-pci,bus=pcie.9,password="),
        "title": good.replace("</name>", f"</name><description>{s('description')}</description>"),
    }


def _kubevirt() -> str:
    data = base64.b64encode(f"#cloud-config\npassword: {secret('userdata64')}\n".encode()).decode()
    return f"""apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: sealed
  namespace: prod
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{{"password":"{secret("annotation")}"}}'
spec:
  runStrategy: Always
  template:
    spec:
      accessCredentials:
      - userPassword:
          source: {{secret: {{secretName: {secret("credential")}}}}}
          propagationMethod: {{qemuGuestAgent: {{}}}}
      domain:
        firmware:
          serial: {secret("serial")}
          kernelBoot: {{kernelArgs: "password={secret("kernelargs")}"}}
        devices:
          disks:
          - name: root
            disk: {{bus: virtio}}
          - name: init
            disk: {{bus: virtio}}
          - name: drive
            disk: {{bus: sata}}
        memory: {{guest: 1Gi}}
      volumes:
      - name: root
        containerDisk: {{image: "registry/u:{secret("image")}@x"}}
      - name: init
        cloudInitNoCloud:
          userData: |
            #cloud-config
            password: {secret("userdata")}
          networkData: "password: {secret("networkdata")}"
      - name: drive
        cloudInitConfigDrive:
          userDataBase64: {data}
"""


def _proxmox() -> str:
    keys = base64.b64encode(secret("smbios1").encode()).decode()
    return f"""# root password {secret("note")}
boot: order=scsi0
args: -vnc :1,password-secret=x -object secret,id=x,data={secret("args")}
ciuser: root
cipassword: {secret("cipassword")}
cicustom: user=local:snippets/{secret("cicustom")}.yaml
sshkeys: ssh-rsa%20{secret("sshkeys")}
memory: 2048
name: sealed
net0: virtio=BC:24:11:00:00:01,bridge=vmbr0
ostype: l26
scsi0: local-lvm:vm-100-disk-0,size=8G
scsihw: virtio-scsi-pci
smbios1: base64=1,serial={keys},uuid=7b1cbf4c-2c35-4bd5-9df3-6a4ba11d3c0d
"""


def _command_line() -> str:
    s = secret
    node = {"driver": "https", "node-name": "n0", "url": f"https://u:{s('blockdev')}@h/x", "cookie": s("bcookie")}
    url = json.dumps(node)
    return (
        f"TOKEN={s('shellenv')} qemu-system-x86_64 -name sealed -machine q35 -m 1G "
        f"-object secret,id=s0,data={s('cobject')} -vnc :0,password=on -spice port=5901,password={s('cspice')} "
        f"-drive file=https://u:{s('curl')}@h/disk.qcow2,if=none,id=d0 -device virtio-blk-pci,drive=d0 "
        f"-drive if=virtio,file.driver=https,file.url=https://h/x?sig={s('cfileurl')},file.cookie={s('ccookie')} "
        f"-blockdev '{url}' -device virtio-blk-pci,drive=n0 "
        f"-fw_cfg name=opt/x,string={s('cfwcfg')} -smbios type=1,serial=ds=nocloud;s=http://u:{s('csmbios')}@h/ "
        f"-iscsi user=u,password={s('ciscsi')} -kernel /k -append password={s('cappend')} "
        f"-incoming 'exec:curl -u u:{s('cincoming')} h' -netdev user,id=n1,tftp=/x -device virtio-net-pci,netdev=n1\n"
    )


def _started() -> dict[str, str]:
    """Other forms in which the start of a QEMU is written down: output of ps, a script, a log of libvirt."""
    s = secret
    keys = json.dumps({"qom-type": "secret", "id": "masterKey0", "data": s("logdata")})
    return {
        "ps.txt": "  PID COMMAND\n   12 qemu-system-x86_64 -name sealed -machine q35 "
        f"-object secret,id=a,data={s('psdata')} my {s('psword')} -device virtio-rng-pci\n",
        "start.sh": f"#!/bin/sh\nPASS={s('shell')}\nexport TOKEN={s('exported')}\necho {s('echoed')}\n"
        'qemu-system-x86_64 -machine q35 -object secret,id=a,data="$PASS" -vnc :1,password=$PASS \\\n'
        "  -drive file=https://u:$PASS@h/x,if=virtio\n",
        "libvirt.log": "2026-01-01 10:00:00.000+0000: starting up libvirt version: 9.0.0, qemu version: 7.2.0\n"
        f"TOKEN={s('logenv')} \\\n/usr/bin/qemu-system-x86_64 \\\n-name guest=sealed \\\n-object '{keys}' \\\n"
        f"-machine pc-q35-7.2 \\\n-vnc 0.0.0.0:0,password={s('logvnc')} \\\n-device virtio-rng-pci\n",
        "config.cmdline": f'[object "s0"]\n  qom-type = "secret"\n  data = "{s("configdata")}"\n'
        f'[drive "d0"]\n  if = "none"\n  file = "https://u:{s("configurl")}@h/x"\n[machine]\n  type = "q35"\n',
        "stores.cmdline": "qemu-system-x86_64 -machine q35 "
        f"-drive file=iscsi://user%{s('iscsi')}@10.0.0.1/iqn.x/1,if=virtio "
        f"-drive file=rbd:pool/img:id=admin:key={s('rbd')}:auth_supported=cephx,if=many "
        f"-drive file=ssh://u:{s('ssh')}@h/x,if=scsi -device virtio-blok-pci,drive=none,password={s('driver')} "
        f"-nic user,model=tulip,password={s('nic')} -object secret,id=s0,data='{s('spaced')} {s('quoted')}' "
        f"""-device '{{"driver":"virtio-blok-pci","password":"{s("devicejson")}"}}'\n""",
    }


def _lists() -> dict[str, str]:
    """Lists of objects and JSON lines, whole and broken."""
    s = secret
    lines = (json.dumps({"xml": domain(), "token": s("line")}), f'{{"token": "{s("cut")}', json.dumps({"t": s("none")}))
    objects = (
        "---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
        f"stringData: {{password: {s('stringdata')}}}\n"
        f"---\napiVersion: v1\nkind: Pod\nspec: {{containers: [{{env: [{{name: P, value: {s('podenv')}}}]}}]}}\n"
    )
    hooks = f"    hooks.kubevirt.io/hookSidecars: '[{{\"args\": [\"{s('hook')}\"]}}]'\n"
    return {
        "fleet.jsonl": "\n".join(lines) + "\n",
        "list.yaml": _kubevirt() + objects,
        "hooks.yaml": _kubevirt().replace("  annotations:\n", f"  annotations:\n{hooks}"),
        "alias.yaml": _kubevirt().replace("networkData:", f"password: *{s('alias')}\n          networkData:"),
    }


def write_inputs(folder: Path) -> None:
    """Write good inputs of every format and broken ones, each with secrets."""
    folder.mkdir(parents=True, exist_ok=True)
    good = {
        "libvirt.xml": domain(),
        "pc.xml": domain(machine="pc"),
        "vm.yaml": _kubevirt(),
        "100.conf": _proxmox(),
        "guest.cmdline": _command_line(),
        "yaml-broken.yaml": _kubevirt().replace("networkData:", "  networkData").replace("bus: sata", "bus: sata:"),
        "yaml-wrong.yaml": _kubevirt().replace("guest: 1Gi", f"guest: {secret('quantity')}"),
        "conf-broken.conf": _proxmox().replace("net0: virtio", "net0: tulip"),
        "cmdline-broken.cmdline": _command_line().replace("if=none", "if=many"),
    }
    good |= _started() | _lists()
    good |= {f"broken-{name}.xml": text for name, text in _broken().items()}
    for name, text in good.items():
        (folder / name).write_text(text, encoding="utf-8")
