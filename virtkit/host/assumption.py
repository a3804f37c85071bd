"""Why a domain was resolved for another host than the default one, in one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from virtkit.releases import Release, dotted

__all__ = ["Assumption"]


@dataclass(frozen=True, slots=True)
class Assumption:
    """The host that was assumed because the default host lacks the machine type that a domain names.

    ``machine`` is the type as written and ``origin`` the product that brought it. ``lacking`` is the QEMU release of
    the default host. ``libvirt`` and ``qemu`` are the assumed releases, and ``substitute`` is the type of that QEMU in
    place of ``machine``: the upstream type on which it is based, "" when that QEMU has ``machine`` itself.
    ``source`` says what shows that, and ``file`` is the domain's file. ``placed`` is true for a domain that QEMU places
    without libvirt: a QEMU command line, or a configuration of Proxmox VE.
    """

    machine: str
    origin: str
    lacking: Release
    libvirt: Release
    qemu: Release
    substitute: str = ""
    source: str = ""
    file: str = ""
    placed: bool = False

    @property
    def host(self) -> str:
        """The assumed host: "libvirt 11.3 with QEMU 10.0", without libvirt where it takes no part."""
        if self.placed:
            return f"QEMU {dotted(self.qemu)}"
        return f"libvirt {dotted(self.libvirt)} with QEMU {dotted(self.qemu)}"

    @property
    def note(self) -> str:
        """Which host was assumed and why, and the command that names the real one."""
        import shlex

        has = f"which has {self.substitute} in its place" if self.substitute else "which has it"
        file = shlex.quote(self.file) if self.file and self.file != "standard input" else "DOMAIN.xml"
        why = f"because QEMU {dotted(self.lacking)} lacks machine type '{self.machine}' ({self.origin})"
        if self.placed:
            how = f"to name the real release (qemu-system-x86_64 --version): virtkit check --qemu RELEASE {file}"
        else:
            how = "to name the real host, run there: virsh capabilities > host.xml; "
            how += f"virtkit check --qemu host.xml {file}"
        return f"assumed host: {self.host}, {has}, {why}; {how}"
