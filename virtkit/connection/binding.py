"""libvirt-python, imported only when a connection is opened, and the errors of opening one."""

from __future__ import annotations

from typing import Any

from virtkit.errors import VerifyError

__all__ = ["binding", "opened"]

#: What helps against a connection that fails, by words of libvirt's message; the first row that fits.
_REMEDIES = (
    (("authentication", "polkit", "permission denied"), "add your user to the group libvirt, or run it as root"),
    (("ssh", "host key", "resolve"), "check that ssh reaches the host without a question and that libvirt runs there"),
    (("connect socket", "refused", "no such file"), "start libvirt: systemctl start libvirtd, or virtqemud.socket"),
    (("no connection driver", "unsupported", "unable to parse"), "write a URI such as qemu:///system"),
)


def binding() -> Any:
    """The module ``libvirt``. Raises VerifyError when libvirt-python is missing."""
    try:
        import libvirt
    except ImportError:
        raise VerifyError("a libvirt connection needs libvirt-python: pip install 'virtkit[verify]'") from None
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    return libvirt


def opened(uri: str | None, *, read_only: bool = True) -> tuple[Any, Any]:
    """A connection of the binding and the module; ``uri`` None takes libvirt's own choice.

    Raises VerifyError with the URI, libvirt's reason and what helps.
    """
    module = binding()
    try:
        return (module.openReadOnly if read_only else module.open)(uri), module
    except module.libvirtError as error:
        reason = str(error)
        words = reason.lower()
        helps = next((remedy for marks, remedy in _REMEDIES if any(mark in words for mark in marks)), "")
        remedy = helps or f"check it with: virsh -c {uri or 'URI'} version"
        raise VerifyError(f"cannot connect to libvirt at {uri or 'the default URI'}: {reason}; {remedy}") from None
