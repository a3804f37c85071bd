"""One read-only connection to a running libvirt."""

from __future__ import annotations

import atexit
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

from virtkit import limits
from virtkit.connection.binding import opened
from virtkit.connection.host import described
from virtkit.domain.document import MAX_BYTES
from virtkit.errors import CapabilityError, InputError
from virtkit.host import Host, shipped
from virtkit.host.emulator import emulator_arch
from virtkit.host.xml import parse
from virtkit.inputs import InMemory, Source, Unreadable
from virtkit.releases import Release

__all__ = ["Live", "connect"]


@cache
def connect(uri: str) -> Live:
    """The connection to a URI such as ``qemu:///system``; it is opened once and stays open until the program ends.

    Raises VerifyError when libvirt-python is missing or the connection fails.
    """
    connection, module = opened(uri)
    atexit.register(_close, connection, module)
    return Live(uri, connection, module)


def _close(connection: Any, module: Any) -> None:
    with suppress(module.libvirtError):
        connection.close()


class Live:
    """A connection that reads domains and capabilities, and changes nothing; made by ``connect``."""

    def __init__(self, uri: str, connection: Any, module: Any) -> None:
        self.uri = uri
        self._connection = connection
        self._module = module
        self._host: Host | None = None

    def sources(self, names: Sequence[str] = (), *, running: bool = False) -> Iterator[Source]:
        """The domains in order of their names, or those that ``names`` lists, by name or UUID.

        Each source has the XML of the persistent definition (of a transient domain, that of its next start); with
        ``running`` only domains that run are given, as they are now. A domain that cannot be read gives a source whose
        ``read`` raises InputError. Raises InputError when the domains cannot be listed.
        """
        domains = self._named(names) if names else self._all(running)
        found = False
        for name, domain in domains:
            found = True
            yield self._source(name, domain, running=running)
        if not found:
            reason = "no domain runs there" if running else "no domain is defined there"
            yield Unreadable("libvirt", None, self.uri, reason=reason)

    def state(self, name: str) -> Source | None:
        """The state of a domain that runs, by its name or UUID; None for one that does not run."""
        ((found, domain),) = self._named([name])
        try:
            active = domain is not None and domain.isActive()
        except self._module.libvirtError:
            return None
        return self._source(found, domain, running=True) if active else None

    def host(self) -> Host:
        """The host of the connection: its releases, machine types and devices.

        Raises CapabilityError when the driver is not QEMU's or the capabilities cannot be read.
        """
        if self._host is None:
            self._host = self._described()
        return self._host

    def _all(self, running: bool) -> Iterator[tuple[str, Any]]:
        flags = self._module.VIR_CONNECT_LIST_DOMAINS_ACTIVE if running else 0
        try:
            found = self._connection.listAllDomains(flags)
        except self._module.libvirtError as error:
            raise InputError(f"the domains cannot be listed: {error}", self.uri) from None
        yield from sorted(((domain.name(), domain) for domain in found), key=lambda pair: pair[0])

    def _named(self, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
        for name in names:
            domain = None
            for lookup in (self._connection.lookupByName, self._connection.lookupByUUIDString):
                try:
                    domain = lookup(name)
                    break
                except self._module.libvirtError:
                    continue
            yield (name if domain is None else domain.name()), domain

    def _source(self, name: str, domain: Any, *, running: bool) -> Source:
        title = f"{self.uri} ({name})"
        if domain is None:
            return Unreadable(name, None, title, reason=f"there is no domain {name!r}; virsh list --all names them")
        try:
            if running and not domain.isActive():
                return Unreadable(name, None, title, reason="the domain does not run; leave out --live")
            data = domain.XMLDesc(0 if running else self._module.VIR_DOMAIN_XML_INACTIVE).encode()
        except self._module.libvirtError as error:
            return Unreadable(name, None, title, reason=f"libvirt does not give its XML: {error}")
        if len(data) > MAX_BYTES:
            return Unreadable(name, None, title, reason=limits.BYTES.too_large)
        return InMemory(name, None, title, data=data)

    def releases(self) -> tuple[Release, Release]:
        """The libvirt and QEMU releases of the host. Raises CapabilityError when the driver is not QEMU's."""
        connection = self._connection
        try:
            driver = connection.getType()
            if driver != "QEMU":
                raise CapabilityError(f"{self.uri}: expected a connection to libvirt's QEMU driver, got {driver}")
            return _release(connection.getLibVersion()), _release(connection.getVersion())
        except self._module.libvirtError as error:
            raise CapabilityError(f"{self.uri}: the releases cannot be read: {error}") from None

    def documents(self) -> tuple[bytes, ...]:
        """The capabilities, then the domain capabilities of each architecture. Raises CapabilityError."""
        try:
            capabilities = self._connection.getCapabilities().encode()
            return (capabilities, *self._domain_capabilities(capabilities))
        except self._module.libvirtError as error:
            raise CapabilityError(f"{self.uri}: the capabilities cannot be read: {error}") from None

    def _described(self) -> Host:
        return described(*self.releases(), self.documents(), self.uri)

    def _domain_capabilities(self, capabilities: bytes) -> Iterator[bytes]:
        """The domain capabilities of each architecture that virtkit has facts of, for its default machine type."""
        known = {arch for release in shipped.releases() for arch in shipped.architectures(release)}
        for arch in parse(capabilities, self.uri).iterfind("guest/arch"):
            name = arch.get("name") or ""
            if emulator_arch(name) not in known:
                continue
            try:
                yield self._connection.getDomainCapabilities(None, name, None, None, 0).encode()
            except self._module.libvirtError:
                continue  # this emulator does not start; its machine types are known nevertheless


def _release(number: int) -> Release:
    """libvirt's ``MAJOR * 1000000 + MINOR * 1000 + MICRO`` as (major, minor)."""
    return number // 1_000_000, number // 1000 % 1000
