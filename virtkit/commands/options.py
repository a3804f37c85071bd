"""Options that several commands share: the host to resolve for, and the guest OS database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from virtkit.releases import DEFAULT, NEWEST, OLDEST, dotted, parse

if TYPE_CHECKING:
    import argparse

    from virtkit.guests import Catalogue
    from virtkit.host import Host

__all__ = [
    "add_database_options",
    "add_host_options",
    "chosen_catalogue",
    "chosen_host",
    "database_places",
    "warn_of_release",
]



def add_host_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--libvirt`` and ``--qemu``: the releases to resolve for."""
    newest = dotted(DEFAULT)
    parser.add_argument("--libvirt", default=newest, metavar="RELEASE", help=f"libvirt release (default: {newest})")
    parser.add_argument(
        "--qemu",
        metavar="FILE|RELEASE",
        help="QEMU release, or a capability document of a host (default: the QEMU release of that libvirt)",
    )


def chosen_host(args: argparse.Namespace) -> Host:
    """The host that the options name.

    Raises UsageError for a release without shipped facts, CapabilityError for a document that cannot be used.
    """
    from virtkit.errors import CapabilityError, UsageError
    from virtkit.host import Host

    warn_of_release(args)
    try:
        return Host.named(args.qemu or "", args.libvirt)
    except CapabilityError as problem:
        if Path(args.qemu or "").exists() or not (args.qemu or "")[:1].isdigit():
            raise
        raise UsageError(f"--qemu {args.qemu}: {problem}; or name a capability document of the host") from None


def warn_of_release(args: argparse.Namespace) -> None:
    """Warn when ``--libvirt`` was not observed, naming what it may do differently. Raises UsageError."""
    import logging

    release, log = parse(args.libvirt), logging.getLogger("virtkit")
    if release == DEFAULT:
        return
    from virtkit.host import changes

    if not OLDEST <= release <= NEWEST:
        log.warning(
            "--libvirt %s: libvirt's behaviour is known from %s to %s; the nearest of these is used",
            args.libvirt,
            dotted(OLDEST),
            dotted(NEWEST),
        )
    elif text := changes.remark(release):
        log.warning("--libvirt %s: %s", args.libvirt, text)


def add_database_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--osinfo`` and ``--overrides``: the guest OS database, and whether it is corrected."""
    parser.add_argument(
        "--osinfo",
        action="append",
        metavar="PATH",
        help="read this osinfo-db (folder or tarball) in place of the shipped facts; repeat it to merge "
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
    from virtkit.guests import osinfo

    places: list[str] = []
    for place in args.osinfo or ():
        places += osinfo.system_folders() if place == "system" else [place]
    return places
