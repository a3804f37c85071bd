"""Options that several commands share: the host to resolve for, and the guest OS database."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from virtkit.commands.live import live_host_of
from virtkit.releases import DEFAULT, NEWEST, OLDEST, dotted

if TYPE_CHECKING:
    import argparse

    from virtkit.guests import Catalogue
    from virtkit.host import Host
    from virtkit.resolved import Resolved

__all__ = [
    "add_database_options",
    "add_host_options",
    "chosen_catalogue",
    "chosen_host",
    "database_places",
    "host_to_compare",
    "notes_on",
    "say_notes",
    "warn_of_host",
]


def add_host_options(parser: argparse.ArgumentParser, *, domains: bool = True) -> None:
    """Add ``--libvirt``, ``--qemu`` and ``--host``: the host; with ``domains`` also ``--strict-host``."""
    parser.add_argument("--libvirt", metavar="RELEASE", help=f"libvirt release (default: {dotted(DEFAULT)})")
    parser.add_argument(
        "--qemu",
        metavar="FILE|RELEASE",
        help="QEMU release, or a capability document of a host (default: the QEMU release of that libvirt)",
    )
    parser.add_argument(
        "--host", metavar="NAME", help="the releases and machine types of a distribution; virtkit data hosts lists them"
    )
    if domains:
        parser.add_argument(
            "--strict-host",
            action="store_true",
            help="refuse a machine type that the default host lacks, instead of assuming a host that has it",
        )


def chosen_host(args: argparse.Namespace) -> Host:
    """The host that the options name, with a warning where the facts are not those of its releases; without such an
    option, the host of the libvirt connection that is the input.

    Raises UsageError for a malformed release or an unknown host, CapabilityError for a document that cannot be used,
    VerifyError for a connection that fails.
    """
    if (uri := live_host_of(args)) is not None:
        from virtkit.connection.live import connect

        host = connect(uri).host()
    elif args.host:
        from virtkit.host.distribution import chosen

        host = chosen(args.host, args.qemu or "", args.libvirt or "")
    else:
        from virtkit.host import Host

        host = Host.named(args.qemu or "", args.libvirt, strict=getattr(args, "strict_host", True))
    warn_of_host(args, host)
    return host


def warn_of_host(args: argparse.Namespace, host: Host) -> None:
    """Warn when a release that the options name was not observed, naming what it may do differently."""
    live = live_host_of(args)
    named = args.host or args.libvirt or live
    if not host.notice and (not named or host.libvirt == DEFAULT):
        return
    from virtkit.host import changes

    log = logging.getLogger("virtkit")
    if host.notice:
        log.warning("%s: %s", f"--host {args.host}" if args.host else f"--qemu {args.qemu}", host.notice)
    option = live or (f"--host {args.host}" if args.host else f"--libvirt {args.libvirt}")
    if not OLDEST <= host.libvirt <= NEWEST:
        log.warning(
            "%s: libvirt's behaviour is known from %s to %s; the nearest of these is used",
            option,
            dotted(OLDEST),
            dotted(NEWEST),
        )
    elif named and (text := changes.remark(host.libvirt)):
        log.warning("%s: %s", option, text)


def host_to_compare(resolved: Resolved, host: Host, machine: str | None) -> Host:
    """The host for a second resolution that is compared with ``resolved``: the one that was assumed for the first
    where it has ``machine``, so that the two differ in nothing else; ``host`` otherwise."""
    emulator = None if resolved.assumption is None else resolved.host.emulator(resolved.arch)
    if emulator is None or not machine or emulator.machine(machine) is None:
        return host
    return resolved.host


def notes_on(resolved: Resolved, *, host: bool = True) -> list[str]:
    """What a resolution as a whole rests on: what the reader assumed, the host that was assumed, and what is
    newer than the named libvirt. ``host`` False leaves the host out, where the result itself names it.
    """
    notes = list(resolved.domain.notes)
    notes += [] if resolved.assumption is None or not host else [resolved.assumption.note]
    if resolved.host.libvirt < OLDEST:
        from virtkit.resolution.introduced import newer_than

        notes += [found.text for found in newer_than(resolved.domain.document.root, resolved.host.libvirt)]
    return notes


def say_notes(resolved: Resolved, *, host: bool = True) -> None:
    """Write the notes on a resolution to standard error, as ``notes_on`` gives them."""
    for note in notes_on(resolved, host=host):
        logging.getLogger("virtkit").info("%s", note)


def add_database_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--osinfo`` and ``--overrides``: the guest OS database, and whether it is corrected."""
    parser.add_argument(
        "--osinfo",
        action="append",
        metavar="PATH",
        help="read this osinfo-db (folder or tarball) instead of the shipped facts; repeat it to merge "
        "several; 'system' names the folders that libosinfo reads",
    )
    parser.add_argument(
        "--overrides",
        choices=("on", "off"),
        default="on",
        help="off: use the database as it is, with in-box drivers only (default: on, with sourced corrections)",
    )
    parser.add_argument(
        "--virtio-win",
        metavar="RELEASE",
        help="the virtio-win release that is installed in Windows guests, such as 0.1.285: conditions become yes or no",
    )


def chosen_catalogue(args: argparse.Namespace) -> Catalogue:
    """The guest OS database that the options name. Raises GuestError, UsageError for a virtio-win release."""
    from virtkit import guests

    found = guests.catalogue(*database_places(args))
    release = getattr(args, "virtio_win", None)
    return found.with_virtio_win(release) if release else found


def database_places(args: argparse.Namespace) -> list[str]:
    """The files and folders that ``--osinfo`` names, with "system" replaced by its folders."""
    places: list[str] = []
    for place in args.osinfo or ():
        if place == "system":
            from virtkit.guests import osinfo

            places += osinfo.system_folders()
        else:
            places.append(place)
    return places
