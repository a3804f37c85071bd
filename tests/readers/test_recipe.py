"""The recipe for a reader of another format, as docs/extending.md shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import virtkit as vk
from virtkit.domain.domain import Domain
from virtkit.readers.contract import ReaderOptions


def test_the_reader_of_the_recipe_works() -> None:
    """The example reader of docs/extending.md reads its format, with the line of each machine."""
    text = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
    code = text.partition("```python\n# machine_list.py\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(compile(code, "machine_list.py", "exec"), names)  # noqa: S102 - the text is that of this repository
    reader = names["READER"]
    data = b"#machines\n\nweb q35 virtio\nbad\n"
    assert reader.detects(data, "")
    first, second = reader.read(data, "list.txt", ReaderOptions())
    assert vk.resolve(Domain(first.document)).inventory.nics[0].line == 3
    assert str(second.error) == "list.txt:4: expected NAME MACHINE NIC, got 1 word"
