"""The options that name a running libvirt as input, and what they choose."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from virtkit.connection.uri import is_uri

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from virtkit.inputs import Source

__all__ = [
    "add_connection_options",
    "given_uri",
    "live_host_of",
    "live_names",
    "live_source",
    "live_sources",
    "live_state",
]

_INPUTS = ("inputs", "input", "before")
"""The positional arguments that ``--connect`` may replace, by the names of the commands for them."""

_OF_FILES = frozenset({"file", "ftp", "gs", "http", "https", "s3", "sftp"})
"""Schemes of addresses that name files and no libvirt."""

_LISTED = 8
"""The most domains that a message lists."""


class _Connect(argparse.Action):
    """``--connect URI [NAME...]``: the positional inputs are not required any more."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        setattr(namespace, self.dest, list(values or ()))
        if getattr(namespace, "inputs", ()) is None:
            namespace.inputs = []
        for action in parser._actions:  # argparse has no public way to make an argument optional later
            if action.dest in _INPUTS:
                action.required = False


def add_connection_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--connect``, and ``--live`` where it has no other meaning."""
    group = parser.add_argument_group("running libvirt")
    group.add_argument(
        "--connect",
        nargs="+",
        action=_Connect,
        metavar=("URI", "NAME"),
        help="read the domains of this libvirt, or those that are named, and resolve them for its own releases, "
        "machine types and devices (read only; needs virtkit[verify])",
    )
    if "--live" not in parser._option_string_actions:
        group.add_argument(
            "--live",
            dest="running",
            action="store_true",
            help="read running domains as they are now (default: persistent definitions)",
        )


def given_uri(args: argparse.Namespace) -> str | None:
    """The libvirt connection that is the input, None when files are. Raises UsageError for more than one."""
    if getattr(args, "connect", None):
        found = [args.connect[0]]
        if not is_uri(found[0]):
            from virtkit.errors import UsageError

            raise UsageError(f"--connect {found[0]}: expected a libvirt URI such as qemu:///system, then domain names")
    else:
        others = (getattr(args, name, None) for name in ("after", "inactive", "diff"))
        found = [text for text in (*_positional(args), *others) if isinstance(text, str) and is_uri(text)]
        _check(found, running=getattr(args, "running", False))
    if len(set(found)) > 1:
        from virtkit.errors import UsageError

        raise UsageError(f"expected one libvirt connection, got {', '.join(dict.fromkeys(found))}")
    return found[0] if found else None


def _check(uris: Sequence[str], *, running: bool) -> None:
    """Refuse addresses of files in a network, and ``--live`` without a connection. Raises UsageError."""
    from virtkit.errors import UsageError

    for uri in uris:
        if uri.partition("://")[0] in _OF_FILES:
            what = "a file or a libvirt URI such as qemu:///system; virtkit downloads nothing"
            raise UsageError(f"{uri}: expected {what}")
    if running and not uris:
        raise UsageError("--live: expected a libvirt connection as input, such as qemu:///system or --connect URI")


def _positional(args: argparse.Namespace) -> list[str]:
    """The inputs that a command line names first."""
    values = (getattr(args, name, None) for name in _INPUTS)
    return [text for value in values if value for text in ([value] if isinstance(value, str) else value)]


def live_host_of(args: argparse.Namespace) -> str | None:
    """The connection whose host is resolved for: that of the input, where no option names another host."""
    uri = given_uri(args)
    return None if any(getattr(args, name, None) for name in ("host", "qemu", "libvirt")) else uri


def live_sources(args: argparse.Namespace) -> Iterator[Source]:
    """The domains of the connection that is an input, and the other inputs in their order.

    Raises VerifyError when the connection fails.
    """
    from virtkit.connection.live import connect
    from virtkit.fleet.archives import gather

    running = getattr(args, "running", False)
    names = live_names(args)
    if args.connect:
        yield from connect(args.connect[0]).sources(names, running=running)
        return
    for text in _positional(args):
        if is_uri(text):
            yield from connect(text).sources(names, running=running)
        else:
            yield from gather([text])


def live_names(args: argparse.Namespace) -> list[str]:
    """The names of the domains that are chosen of a connection; empty for all."""
    named = [*args.connect[1:], *_positional(args)] if args.connect else []
    domain = getattr(args, "domain", "")
    return [domain] if domain and not named else named


def live_source(args: argparse.Namespace, text: str | None) -> Source | None:
    """The one domain of a connection, where an input is one; None for a file.

    With ``--connect`` the first input is the name of a domain. Raises UsageError when several domains are left to
    choose from, VerifyError when the connection fails.
    """
    uri = given_uri(args)
    own = text is None or is_uri(text)
    named = bool(args.connect) and text in _positional(args)
    if uri is None or not (own or named):
        return None
    from virtkit.connection.live import connect
    from virtkit.errors import UsageError

    names = live_names(args) if own else [str(text)]
    found = list(connect(uri).sources(names, running=getattr(args, "running", False)))
    if len(found) > 1:
        known = ", ".join(one.name for one in found[:_LISTED]) + (", ..." if len(found) > _LISTED else "")
        raise UsageError(f"{uri}: expected one domain, got {len(found)}; name one with --domain: {known}")
    return found[0]


def live_state(args: argparse.Namespace, source: Source) -> Source | None:
    """The running state of the domain of a connection that ``source`` is; None for one that does not run, or a file."""
    uri = given_uri(args)
    if uri is None or not source.title.startswith(uri):
        return None
    from virtkit.connection.live import connect

    return connect(uri).state(source.name)
