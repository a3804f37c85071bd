"""What an input that no reader takes seems to be, so that a message can say so."""

from __future__ import annotations

import re

__all__ = ["seems"]

_HEAD = 65_536
_SIGNS: tuple[tuple[re.Pattern[bytes], str, str], ...] = tuple(
    (re.compile(pattern, re.M), name, advice)
    for pattern, name, advice in (
        (
            rb"\A(?=(?:.*\n)*?config:)(?=(?:.*\n)*?devices:)"
            rb"(?=(?:.*\n)*?(?:architecture|ephemeral|profiles|used_by):)",
            "an Incus or LXD instance or profile",
            "pass the command line of its QEMU (/proc/PID/cmdline)",
        ),
        (rb"^[ \t]*(?:\.encoding|virtualHW\.version)[ \t]*=", "a VMware configuration", "convert it with virt-v2v"),
        (rb"^(?:builder|vif|disk)\s*=\s*[\['\"]", "a Xen configuration", "pass what virsh domxml-from-native prints"),
        (rb"^(?:guest_os|disk_img)=", "a quickemu configuration", "pass the script that quickemu writes beside it"),
        (rb"^Vagrant\.configure", "a Vagrantfile", "pass what virsh dumpxml prints"),
        (rb"^(?:version:.*\n)?services:\s*$", "a Compose file", "containers have no virtual hardware"),
        (rb"^terraform\s*\{|^resource\s+\"", "a Terraform configuration", "pass what virsh dumpxml prints"),
        (
            rb"^ExecStart=",
            "a systemd unit",
            "pass the command of its ExecStart in a file of its own, or /proc/PID/cmdline",
        ),
        (rb"^(?:[^#\n]*\s)?virt-install\s", "a call of virt-install", "pass what virt-install --print-xml prints"),
        (rb"qemu-system-\w+\.exe", "a QEMU command line for Windows", "pass one for a Unix shell, without .exe"),
        (rb"^FROM ", "a container file", "containers have no virtual hardware"),
    )
)
_SECTION = re.compile(rb"^\[[^\]\n]{1,80}\]\s*$", re.M)


def seems(data: bytes) -> str:
    """What the input seems to be and what to pass instead, as a clause; an empty text for an unknown one."""
    part = data[:_HEAD]
    for pattern, name, advice in _SIGNS:
        if pattern.search(part):
            return f"it seems to be {name}, which is not read; {advice}"
    if _SECTION.search(part):
        return "it seems to be an INI file"
    return "" if b"\0" not in part else "it seems to be binary data"
