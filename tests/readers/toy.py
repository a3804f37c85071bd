"""A reader of a toy format, as another package would bring it."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from tests.writing import domain
from virtkit.domain.document import parse
from virtkit.errors import InputError
from virtkit.readers.contract import FoundDomain, NotRead, ReaderOptions, Reading, Skipped, document_of

NIC = "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>"


class Toy:
    """Reads ``toy:`` and one word a line: the names of domains, ``bad`` for one that cannot be read, ``#`` for none."""

    name = "toy"
    title = "toy lists"

    def detects(self, data: bytes, file: str) -> bool:
        return data.startswith(b"toy:")

    def read(self, data: bytes, file: str, options: ReaderOptions) -> Iterator[Reading]:
        names = data.decode().split()[1:]
        for number, name in enumerate(names, 2):
            if name == "bad":
                yield NotRead(name, InputError("is bad", file, number))
            elif name == "#":
                yield Skipped(name, "a comment", number)
            else:
                root = parse(domain(NIC)).root
                root.find("name").text = name  # type: ignore[union-attr]
                document = document_of(root, dict.fromkeys(root.iter(etree.Element), number), file)
                notes = (f"seed {options.values.get('seed', '0')}",)
                yield FoundDomain(name if len(names) > 1 else "", document, notes)
