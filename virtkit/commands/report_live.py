"""The domains and the host of a running libvirt as the inputs of a report."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from virtkit.connection.live import connect
from virtkit.errors import InputError
from virtkit.releases import dotted

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FOLDER", "saved"]

FOLDER = "libvirt"
"""The folder beside the runs that holds what was read from connections."""

_PLAIN = re.compile(r"[^\w.-]+")


def saved(uri: str, output: Path, *, running: bool = False) -> tuple[dict[str, str], dict[str, str]]:
    """Write the domains and the capabilities of a connection to a folder below ``output``, in place of earlier ones.

    Gives the parameters of notebooks (``domains``, ``qemu``, ``libvirt``), and the reason for each domain that cannot
    be read. ``running`` takes only the domains that run, as they are now. Raises VerifyError when the connection
    fails, CapabilityError when its host cannot be described, InputError when its domains cannot be listed.
    """
    live = connect(uri)
    libvirt, _ = live.releases()
    documents = live.documents()
    folder = (output / FOLDER / _PLAIN.sub("-", uri).strip("-.")).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    domains, host = folder / "domains", folder / "host"
    for made in (domains, host):
        made.mkdir(parents=True)
    for number, data in enumerate(documents):
        name = "domcapabilities" if number else "capabilities"
        (host / f"{name}{number or ''}.xml").write_bytes(data)
    unread = {}
    for source in live.sources(running=running):
        try:
            (domains / f"{_PLAIN.sub('_', source.name).lstrip('.') or 'domain'}.xml").write_bytes(source.read())
        except InputError as error:
            unread[source.title] = str(error)
    return {"domains": str(domains), "qemu": str(host), "libvirt": dotted(libvirt)}, unread
