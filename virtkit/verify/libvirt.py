"""Let a running libvirtd define, dump and undefine a domain, and compare the dump with the prediction."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from lxml import etree

from virtkit.connection.binding import opened
from virtkit.domain.domain import read
from virtkit.errors import CapabilityError, InputError, Refused, VerifyError
from virtkit.host import Host
from virtkit.resolved import resolve
from virtkit.verify.compare import Difference, compare
from virtkit.wording import xml_problem

__all__ = ["Libvirt", "Outcome", "connect", "prepared"]

#: Names of domains defined for a moment begin so; nothing else is ever undefined.
_PREFIX = f"virtkit-verify-{os.getpid():x}-"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for one domain.

    ``predicted`` and ``observed`` are XML text, or None when refused; ``our_refusal`` and ``its_refusal`` the
    messages then. ``crash`` is the text of an unexpected exception of ours.
    """

    name: str
    differences: tuple[Difference, ...]
    predicted: str | None
    observed: str | None
    our_refusal: str = ""
    its_refusal: str = ""
    crash: str = ""

    @property
    def agrees(self) -> bool:
        """Whether both accept with the same result, or both refuse."""
        return not self.differences


class Libvirt:
    """A connection to one libvirtd; made by ``connect``."""

    def __init__(self, connection: Any, module: Any, host: Host | None = None, order: bool = False) -> None:
        self._connection = connection
        self._module = module
        self.host = host or _host(connection, module)
        self._order = order

    def ask(self, data: bytes, name: str) -> Outcome:
        """Let libvirtd define the domain ``data`` for a moment, and compare it with the prediction.

        The domain gets a name and UUID of its own, its emulator path is dropped, because it is another
        machine's. Raises InputError when ``data`` is no domain, VerifyError when libvirtd goes away.
        """
        text = prepared(data, name)
        observed, its_refusal = self.define(text)
        predicted, our_refusal, crash = self._predict(text, name)
        return Outcome(
            name,
            tuple(_differences(predicted, observed, our_refusal, its_refusal, crash, self._order)),
            predicted, observed, our_refusal, its_refusal, crash,
        )  # fmt: skip

    @contextmanager
    def started(self, data: bytes, name: str) -> Iterator[Any]:
        """The binding's domain for ``data``, started paused for a moment; destroyed and undefined at the end.

        Raises InputError when ``data`` is no domain, VerifyError when libvirtd refuses to define or start it.
        """
        error_class = self._module.libvirtError
        domain = None
        try:
            try:
                domain = self._connection.defineXML(prepared(data, name).decode())
                domain.createWithFlags(self._module.VIR_DOMAIN_START_PAUSED)
            except error_class as error:
                raise VerifyError(f"{name}: libvirtd does not start it: {error}") from None
            yield domain
        finally:
            if domain is not None:
                with suppress(error_class):
                    domain.destroy()
                domain.undefineFlags(self._module.VIR_DOMAIN_UNDEFINE_NVRAM)

    def tried(self, call: Callable[[], object]) -> str:
        """Run a call of the binding. Returns libvirt's refusal, "" when there is none."""
        try:
            call()
        except self._module.libvirtError as error:
            if not self._connection.isAlive():
                raise VerifyError(f"libvirtd went away: {error}") from None
            return str(error)
        return ""

    def flags(self, *names: str) -> int:
        """The sum of some flags of the binding, by name without the leading VIR_DOMAIN_."""
        return sum(int(getattr(self._module, f"VIR_DOMAIN_{name}")) for name in names)

    def _predict(self, data: bytes, name: str) -> tuple[str | None, str, str]:
        try:
            return resolve(read(data), host=self.host).xml(), "", ""
        except (Refused, InputError) as refusal:
            return None, str(refusal), ""
        except Exception as error:  # a crash is a finding, and the other domains are still asked
            frame = _origin(error)
            return None, "", f"{type(error).__name__}: {error} ({frame})"

    def define(self, data: bytes) -> tuple[str | None, str]:
        error_class = self._module.libvirtError
        try:
            domain = self._connection.defineXML(data.decode())
        except error_class as error:
            if not self._connection.isAlive():
                raise VerifyError(f"libvirtd closed the connection: {error}") from None
            return None, str(error)
        except SystemError as error:
            # How the binding passes on an interrupt that came while it waited; the sweep undefines what was left.
            if isinstance(error.__cause__, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            raise
        try:
            return domain.XMLDesc(self._module.VIR_DOMAIN_XML_INACTIVE), ""
        finally:
            flags = self._module.VIR_DOMAIN_UNDEFINE_NVRAM | self._module.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
            domain.undefineFlags(flags)


@contextmanager
def connect(uri: str | None = None, host: Host | None = None, order: bool = False) -> Iterator[Libvirt]:
    """A connection to the libvirtd at ``uri`` (default: libvirt's own choice), closed at the end.

    ``host`` is what is predicted for; without it, the libvirt and QEMU releases that the peer names.
    With ``order`` the order of controllers is compared, too.
    Raises VerifyError when libvirt-python is missing or the peer cannot be reached.
    """
    connection, module = opened(uri, read_only=False)
    try:
        yield Libvirt(connection, module, host, order)
    finally:
        _sweep(connection, module)
        connection.close()


def _sweep(connection: Any, module: Any) -> None:
    """Undefine domains that an interruption between define and undefine left behind."""
    try:
        left = [domain for domain in connection.listAllDomains(0) if domain.name().startswith(_PREFIX)]
        for domain in left:
            if not domain.isActive():
                domain.undefineFlags(module.VIR_DOMAIN_UNDEFINE_NVRAM)
    except module.libvirtError:
        return


def _host(connection: Any, module: Any) -> Host:
    """The releases of libvirtd and its QEMU; without facts of that QEMU, the one that goes with the libvirt release."""
    libvirt = connection.getLibVersion()
    wanted = libvirt // 1_000_000, libvirt // 1000 % 1000
    try:
        qemu = connection.getVersion()
        return Host.default(wanted, (qemu // 1_000_000, qemu // 1000 % 1000))
    except (CapabilityError, module.libvirtError):
        return Host.default(wanted)


def prepared(data: bytes, name: str) -> bytes:
    """A domain with a name and UUID of its own, without the emulator of its host. Raises InputError."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise InputError(f"not well-formed XML: {xml_problem(error.msg)}", name, error.lineno) from None
    identity = uuid.uuid4()
    for tag, text in (("name", f"{_PREFIX}{identity.hex}"), ("uuid", str(identity))):
        node = root.find(tag)
        if node is None:
            node = etree.Element(tag)
            root.insert(0, node)
        node.text = text
    for emulator in root.findall("devices/emulator"):
        devices = emulator.getparent()
        if devices is not None:
            devices.remove(emulator)
    return etree.tostring(root)


def _differences(
    predicted: str | None, observed: str | None, ours: str, its: str, crash: str, order: bool
) -> Iterator[Difference]:
    if crash:
        yield Difference("domain", "crash", crash, its or "accepted")
    elif predicted is None and observed is None:
        return
    elif predicted is None:
        yield Difference("domain", "verdict", f"refused: {ours}", "accepted")
    elif observed is None:
        yield Difference("domain", "verdict", "accepted", f"refused: {its}")
    else:
        yield from compare(etree.fromstring(predicted.encode()), etree.fromstring(observed.encode()), order)


def _origin(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "no traceback"
    return f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
