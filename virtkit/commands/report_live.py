"""The domains and the host of a running libvirt as the inputs of a report."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from virtkit.connection.live import connect
from virtkit.errors import InputError
from virtkit.outputs import replace_folder
from virtkit.releases import dotted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from virtkit.connection.live import Live

__all__ = ["FOLDER", "saved"]

FOLDER = "libvirt"
"""The folder beside the runs that holds what was read from connections."""

_PLAIN = re.compile(r"[^\w.-]+")


def saved(uri: str, output: Path, *, running: bool = False) -> tuple[dict[str, str], dict[str, str]]:
    """Write the domains and the capabilities of a connection to a folder below ``output``, instead of earlier ones.

    Gives the parameters of notebooks (``domains``, ``qemu``, ``libvirt``), and the reason for each domain that cannot
    be read. ``running`` takes only the domains that run, as they are now. Raises VerifyError when the connection
    fails, CapabilityError when its host cannot be described, InputError when its domains cannot be listed.
    """
    live = connect(uri)
    libvirt, _ = live.releases()
    documents = live.documents()
    folder = (output / FOLDER / _PLAIN.sub("-", uri).strip("-.")).resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".virtkit-", dir=folder.parent, ignore_cleanup_errors=True) as beside:
        growing = Path(beside) / folder.name
        unread = _write(live, documents, growing, running=running)
        replace_folder(growing, folder)
    return {"domains": str(folder / "domains"), "qemu": str(folder / "host"), "libvirt": dotted(libvirt)}, unread


def _write(live: Live, documents: Sequence[bytes], folder: Path, *, running: bool) -> dict[str, str]:
    """Write the documents of the host and the domains into a new folder, and give the reasons of unread domains."""
    domains, host = folder / "domains", folder / "host"
    for made in (domains, host):
        made.mkdir(parents=True)
    for number, data in enumerate(documents):
        name = "domcapabilities" if number else "capabilities"
        (host / f"{name}{number or ''}.xml").write_bytes(data)
    unread = {}
    for source in live.sources(running=running):
        plain = _PLAIN.sub("_", source.name).lstrip(".") or "domain"
        names = (f"{plain}.xml" if number == 1 else f"{plain}-{number}.xml" for number in count(1))
        file = next(domains / name for name in names if not (domains / name).exists())
        try:
            file.write_bytes(source.read())
        except InputError as error:
            unread[source.title] = str(error)
    return unread
