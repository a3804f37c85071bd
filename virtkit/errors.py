"""What can go wrong, as one tree of exceptions.

::

    Exception
     └── VirtkitError             every error this package raises on purpose; its text is one clear message
          ├── InputError          an input cannot be read: which file, which line, what is wrong, what would be right
          │    └── NotADomain     an input that can be read, but is no domain
          ├── Refused             libvirt would refuse the domain; keeps libvirt's meaning and error class
          │    └── Unsupported    the architecture or machine type is not known to the host it is resolved for
          ├── CapabilityError     a capability document (libvirt cache, domcapabilities, QMP reply) is unusable
          ├── FactsError          a row in ``data/`` breaks its own format
          ├── GuestError          no such guest OS, or the guest OS database cannot be read
          ├── VerifyError         the live peer (QEMU, libvirtd) could not be asked
          ├── FleetError          the workers of an audit were lost, or never found
          ├── ReportError         a notebook run failed
          └── UsageError          the command line, a parameter or a configuration file is wrong (exit code 2)

All of them pickle, because they cross process pools.
"""

from __future__ import annotations

import re

from virtkit.wording import one_line

__all__ = [
    "CapabilityError",
    "FactsError",
    "FleetError",
    "GuestError",
    "InputError",
    "NotADomain",
    "Refused",
    "ReportError",
    "Unsupported",
    "UsageError",
    "VerifyError",
    "VirtkitError",
    "masked",
]

#: The login in a URL, which may be a token, or the password of a user on a host (after % in a URL of iSCSI). A path
#: that was made from a URL has one slash.
_LOGIN = re.compile(r"(\b(?:https?|ftps?):/+|:/+[^/\s@:%]*[:%])[^/\s]+@")
#: The value of a setting whose name says that it is a secret, as name=value or in JSON; the key of a Ceph user.
_SETTING = re.compile(
    r"(\w{0,60}(?:passw|secret|token|cookie|credential|signature)[\w.-]*|\bsig)"
    r"(=['\"]?|\\?['\"]\s*:\s*\\?['\"])([^\s,;&'\"\\]+)",
    re.IGNORECASE,
)
_KEY = re.compile(r"(:key=)[^:\s]+|(\bsecret,[^\s'\"]*?\bdata=)[^\s,'\"]+")
#: The most characters of a message.
_LONGEST = 4000


class VirtkitError(Exception):
    """Base of every error raised on purpose; ``str()`` is one printable line of at most 4,000 characters, without
    secrets.

    Catch it for whatever may go wrong; each function names the kinds that it raises.

    >>> import virtkit as vk
    >>> try:
    ...     vk.read("missing.xml")
    ... except vk.VirtkitError as error:
    ...     print(type(error).__name__, "-", error)
    InputError - missing.xml: cannot be read: No such file or directory
    """

    def _message(self) -> str:
        """The message as it was written, which may quote anything of an input; classes with parts override it."""
        return super().__str__()

    def __str__(self) -> str:
        return _one_line(self._message())


class InputError(VirtkitError):
    """An input cannot be read.

    Attributes: ``what`` (str), ``file`` (str or None), ``line`` (int or None). ``virtkit.read``, and all that read
    files, raise it.

    >>> import virtkit as vk
    >>> try:
    ...     vk.read("<domain><name></domain>", "guest.xml")
    ... except vk.InputError as error:
    ...     print(error.file, error.line, error.what)
    guest.xml 1 not well-formed XML: Opening and ending tag mismatch: name line 1 and domain
    """

    def __init__(self, what: str, file: str | None = None, line: int | None = None) -> None:
        super().__init__(what, file, line)
        self.what = what
        self.file = file
        self.line = line

    def _message(self) -> str:
        return _located(self.file, self.line, self.what)


class NotADomain(InputError):
    """An input without a domain: XML of something else, or a format that no reader recognises."""


class Refused(VirtkitError):
    """libvirt refuses this domain.

    Attributes: ``category`` ("XML error", "unsupported configuration", "internal error"; libvirt's error
    classes), ``what`` (the meaning), ``device`` (which device, or None), ``file``, ``line``, ``remedy`` (what to
    change, "" where no remedy is known). ``virtkit.resolve``, and all that resolve a domain, raise it.

    >>> import virtkit as vk
    >>> text = (vk.samples() / "ubuntu24.04-q35.xml").read_text(encoding="utf-8")
    >>> try:
    ...     vk.resolve(text.replace("<model type='virtio'/>", "<model type='no'/>"))
    ... except vk.Refused as refusal:
    ...     print(f"{refusal.category}, line {refusal.line}, {refusal.device}: {refusal.what}")
    XML error, line 54, video: Invalid value for attribute 'type' in element 'video': 'no'; expected bochs, ..., xen
    """

    def __init__(
        self,
        category: str,
        what: str,
        device: str | None = None,
        line: int | None = None,
        file: str | None = None,
        remedy: str = "",
    ) -> None:
        super().__init__(category, what, device, line, file, remedy)
        self.category = category
        self.what = what
        self.device = device
        self.line = line
        self.file = file
        self.remedy = remedy

    def _message(self) -> str:
        text = f"{self.category}: {self.what}"
        if self.device:
            text = f"{text} [{self.device}]"
        if self.remedy:
            text = f"{text}; {self.remedy}"
        return _located(self.file, self.line, text)

    def in_file(self, file: str | None) -> Refused:
        """The same refusal with its file named."""
        return type(self)(self.category, self.what, self.device, self.line, file, self.remedy)


class Unsupported(Refused):
    """The host it is resolved for has no such architecture or machine type.

    ``virtkit.resolve``, and all that resolve a domain, raise it.

    >>> import virtkit as vk
    >>> try:
    ...     vk.resolve(vk.samples() / "ubuntu24.04-q35.xml", machine="pc-q35-99.0")
    ... except vk.Unsupported as refusal:
    ...     print(refusal.category)
    unsupported configuration
    """


class CapabilityError(VirtkitError):
    """A capability document is corrupt, truncated, foreign, or lacks the facts that are needed."""


class FactsError(VirtkitError):
    """A row of the shipped facts breaks its own format."""


class GuestError(VirtkitError):
    """No such guest OS, or the guest OS database cannot be read."""


class VerifyError(VirtkitError):
    """The live peer (QEMU or libvirtd) could not be asked."""


class FleetError(VirtkitError):
    """The workers of an audit could not be found, or died."""


class ReportError(VirtkitError):
    """A notebook run failed."""


class UsageError(VirtkitError):
    """The command line, a parameter or a configuration file is wrong."""


def _one_line(text: str) -> str:
    """A message without line breaks, control characters and secrets; the middle of an endless one is left out."""
    text = masked(one_line(text))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} … {text[3 - _LONGEST // 2 :]}"


def _located(file: str | None, line: int | None, what: str) -> str:
    if file and line:
        return f"{file}:{line}: {what}"
    if file:
        return f"{file}: {what}"
    if line:
        return f"line {line}: {what}"
    return what


def masked(text: str) -> str:
    """A message without the logins and the secret settings that it quotes."""
    if "=" not in text and ":" not in text:
        return text
    return _KEY.sub(r"\1\2…", _SETTING.sub(r"\1\2…", _LOGIN.sub(r"\1…@", text)))
