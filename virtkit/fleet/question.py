"""What an audit asks about every domain, as plain values that can go to other processes and machines."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from virtkit.readers.contract import ReaderOptions

if TYPE_CHECKING:
    from virtkit.guests import Catalogue
    from virtkit.host import Host
    from virtkit.policy.rules import Policy

__all__ = ["Question", "loaded"]


@dataclass(frozen=True, slots=True)
class Question:
    """What to find out about every domain, as plain values that can go to other processes and machines.

    ``libvirt``, ``qemu``, ``host_name`` and ``strict`` are what a command line names ("" for nothing; each worker reads
    a path itself); ``guest`` is the OS of domains without libosinfo metadata; ``osinfo`` are paths of a database in
    place of the shipped one; ``policy`` is the name of a shipped policy, or the text of one from ``policy_file``;
    ``readers`` are the options of readers.
    """

    libvirt: str = ""
    qemu: str = ""
    host_name: str = ""
    strict: bool = False
    guest: str = ""
    overrides: bool = True
    osinfo: tuple[str, ...] = ()
    policy: str = ""
    policy_file: str = ""
    readers: ReaderOptions = field(default_factory=ReaderOptions)

    def host(self) -> Host:
        """The host that domains are resolved for. Raises CapabilityError and UsageError."""
        from virtkit.host.distribution import chosen

        return chosen(self.host_name, self.qemu, self.libvirt, strict=self.strict)

    def loaded_policy(self) -> Policy | None:
        """The policy; None when none was named. Raises UsageError."""
        if not self.policy:
            return None
        from virtkit.policy import document

        if self.policy_file:
            return document.parse(self.policy, self.policy_file)
        return document.builtin(self.policy)


@lru_cache(maxsize=4)
def _prepared(question: Question) -> tuple[Host, Catalogue, Policy | None]:
    from virtkit.guests import catalogue

    return question.host(), catalogue(*question.osinfo), question.loaded_policy()


@lru_cache(maxsize=4)
def loaded(question: Question) -> tuple[Host, Catalogue, Policy | None]:
    """The host, guest database and policy of a question, loaded once in each process, whatever its options of readers.

    Raises the errors of a wrong question.
    """
    return _prepared(replace(question, readers=ReaderOptions()))
