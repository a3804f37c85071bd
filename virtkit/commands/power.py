"""Options and answers of commands that show what happens between power-on and a login."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from virtkit.boot.power_on import PowerOn
    from virtkit.compat.review import Review
    from virtkit.guests import Catalogue, Guest
    from virtkit.resolved import Resolved

__all__ = ["Answer", "add_power_options", "answered", "answers_text", "boot_disks", "guest_of", "powered_on"]


class Answer(NamedTuple):
    """What ``check`` says of one domain: the verdicts on its devices, and what happens from power-on to a login."""

    review: Review
    power: PowerOn

    @property
    def ok(self) -> bool:
        """Whether neither of the two fails."""
        return self.review.ok and self.power.ok

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**self.review.as_dict(), "boot": self.power.as_dict(), "ok": self.ok}

    def text(self) -> str:
        """Lines for a terminal."""
        return self.review.text() + self.power.text()


def answers_text(answers: Sequence[Answer], form: str) -> str:
    """The answers for several domains, as text or as a JSON list."""
    if form == "json":
        return json.dumps([answer.as_dict() for answer in answers], indent=1) + "\n"
    return "\n".join(answer.text() for answer in answers)


def add_power_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--firmware``, ``--boot-disks`` and ``--naming``."""
    parser.add_argument(
        "--firmware",
        default="",
        metavar="NAME",
        help="firmware instead of the domain's, with or without its release: SeaBIOS, UEFI, 'U-Boot arm64 2023.01'",
    )
    parser.add_argument(
        "--boot-disks",
        default="",
        metavar="DISK,...",
        help="disks that the boot needs, by target or id: the system disk, then those that its boot loader reads "
        "(default: the first disk of the boot order)",
    )
    parser.add_argument(
        "--naming",
        default="",
        metavar="SCHEME",
        help="naming scheme of network interfaces instead of the guest OS default: v252, rhel-9.0, sle15-sp3",
    )


def guest_of(args: argparse.Namespace, resolved: Resolved, known: Catalogue | None = None) -> Guest | None:
    """The guest OS that the options or the metadata of the domain name; None when it is not known.

    ``known`` is the guest OS database, by default the shipped one. Raises GuestError for an unknown --guest.
    """
    if not args.guest and not resolved.domain.osinfo_id:
        return None
    from virtkit.compat.devices import find_guest
    from virtkit.guests import catalogue

    return find_guest(resolved.domain, args.guest, known or catalogue())[0]


def powered_on(args: argparse.Namespace, resolved: Resolved, guest: Guest | None) -> PowerOn:
    """What the firmware finds and starts, and the names in the guest. Raises UsageError for an unknown option value."""
    from virtkit.boot.naming import parse_scheme
    from virtkit.boot.power_on import power_on

    scheme = parse_scheme(args.naming) if args.naming else None
    return power_on(resolved, guest, firmware=args.firmware, scheme=scheme, needed=boot_disks(args))


def boot_disks(args: argparse.Namespace) -> tuple[str, ...]:
    """The names that --boot-disks gives."""
    return tuple(args.boot_disks.replace(",", " ").split())


def answered(args: argparse.Namespace, resolved: Resolved, review: Review, known: Catalogue) -> Answer:
    """The review of a domain with what happens from power-on to a login."""
    return Answer(review, powered_on(args, resolved, guest_of(args, resolved, known)))
