"""What the notebooks share: checks of their parameters, and the folder that their results are written to."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from virtkit import facts
from virtkit.errors import UsageError
from virtkit.inputs import Source, sources_below, with_domain_xml
from virtkit.topology.model import Topology

if TYPE_CHECKING:
    import pandas as pd

    from virtkit.draw.html import Html, Svg

__all__ = [
    "ANSWER_FILE",
    "REJECTED",
    "Output",
    "count",
    "domain_sources",
    "folder",
    "read_answer",
    "read_rejected",
    "text",
    "yes_or_no",
]

#: The table of the domains that could not be read.
REJECTED = "rejected"
#: The file with the answer of a notebook, one sentence a line.
ANSWER_FILE = "answer.txt"


def read_answer(folder: Path) -> str:
    """The first sentence of the answer in the folder of a notebook; "" when there is none."""
    try:
        return (folder / ANSWER_FILE).read_text(encoding="utf-8").partition("\n")[0]
    except (OSError, ValueError):
        return ""


def read_rejected(folder: Path) -> dict[str, str]:
    """The domains that a notebook could not read: the message for each file, in order; those without a file under
    their message."""
    try:
        with (folder / f"{REJECTED}.csv").open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))[1:]
    except (OSError, ValueError, csv.Error):
        return {}
    return {row[0]: row[-1] for row in rows if row}


class _Drawing(Protocol):
    def svg(self) -> str: ...

    def png(self) -> bytes: ...


def yes_or_no(name: str, value: object) -> bool:
    """The value of a parameter that is True or False; "on", "yes", "off" and "no" are accepted. Raises UsageError."""
    words = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise UsageError(f"{name}: expected True or False, got {value!r}")


def text(name: str, value: object) -> str:
    """The value of a text parameter; the items of a list are joined by commas, None is "". Raises UsageError.

    The words None and null mean the same, because some runners pass every value as text.
    """
    if value is None or value in ("None", "null"):
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        return ",".join(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        remedy = "pass text that looks like a number with papermill's -r, or in quotes in a file"
        raise UsageError(f"{name}: expected text, got the number {value!r}; {remedy}")
    raise UsageError(f"{name}: expected text such as 'a,b', got {value!r}")


def count(name: str, value: object, least: int = 0) -> int:
    """The value of an integer parameter that is at least ``least``; text is accepted, because forms send text.

    Raises UsageError.
    """
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value[:20])
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        return value
    raise UsageError(f"{name}: expected an integer of at least {least}, got {value!r}")


def folder(name: str, value: object) -> str:
    """The value of a parameter that names an existing folder; "" for none. Raises UsageError."""
    path = text(name, value)
    if path and not Path(path).expanduser().is_dir():
        raise UsageError(f"{name}: expected an existing folder, got {path!r} (working directory: {Path.cwd()})")
    return str(Path(path).expanduser()) if path else ""


def domain_sources(path: str) -> Iterator[Source]:
    """The domains below a folder ("" means the sample domains) as domain XML, called by their place below it, in
    order."""
    return with_domain_xml(sources_below(Path(path) if path else facts.path("domains")))


class Output:
    """The folder that a notebook writes its results to; with "" nothing is written, as in JupyterLab."""

    def __init__(self, place: str) -> None:
        self.place = Path(place) if place else None
        if self.place is not None:
            self.place.mkdir(parents=True, exist_ok=True)

    def table(self, name: str, frame: pd.DataFrame) -> None:
        """Write the frame to NAME.csv and NAME.parquet; equal frames give equal bytes."""
        if self.place is None:
            return
        frame.to_csv(self.place / f"{name}.csv", index=False, lineterminator="\n")
        plain = frame.copy()
        plain.attrs = {}
        plain.to_parquet(self.place / f"{name}.parquet", index=False)

    def rejected(self, frame: pd.DataFrame) -> Html:
        """Write the domains that could not be read to the table "rejected", and return it with a heading as HTML.

        The last column has the messages; where there are two, the first has the files. ``virtkit report`` exits with
        code 1 and lists them in ``status.json`` when there are any.
        """
        from virtkit.draw.html import Html
        from virtkit.draw.html_table import table

        self.table(REJECTED, frame)
        return Html(f"<h3 id='rejected'>Rejected</h3>{table(frame).text}" if len(frame) else "")

    def picture(self, name: str, drawing: _Drawing) -> None:
        """Write the drawing to NAME.svg and NAME.png."""
        if self.place is not None:
            (self.place / f"{name}.svg").write_text(drawing.svg(), encoding="utf-8")
            (self.place / f"{name}.png").write_bytes(drawing.png())

    def topology(
        self, name: str, topology: Topology, before: Topology | None = None, *, image: bool = True
    ) -> Svg:
        """Write the bus tree, or its changes since ``before``, to NAME.svg, NAME.txt and, with ``image``, NAME.png.

        Returns the picture for the notebook.
        """
        from virtkit.draw import picture, tree
        from virtkit.draw.html import Svg

        if self.place is None:
            return Svg(picture.svg(topology, before))
        if image:
            drawn, pixels = picture.both(topology, before)
            (self.place / f"{name}.png").write_bytes(pixels)
        else:
            drawn = picture.svg(topology, before)
        (self.place / f"{name}.svg").write_text(drawn, encoding="utf-8")
        text = tree.text(topology) if before is None else tree.difference(before, topology)
        (self.place / f"{name}.txt").write_text(text, encoding="utf-8")
        return Svg(drawn)

    def text(self, name: str, text: str) -> None:
        """Write text to the file NAME, such as "decision.md"."""
        if self.place is not None:
            (self.place / name).write_text(text, encoding="utf-8")

    def answer(self, sentences: Sequence[str]) -> Html:
        """Write the answer to ``answer.txt`` and return it as HTML. The index shows the first sentence."""
        from virtkit.draw.html import Html, escape_text

        self.text(ANSWER_FILE, "".join(f"{sentence}\n" for sentence in sentences))
        lead, *others = map(escape_text, sentences)
        rest = f"<ul>{''.join(f'<li>{sentence}</li>' for sentence in others)}</ul>" if others else ""
        return Html(f'<div class="answer"><p>{lead}</p>{rest}</div><!--changes-->')

    def page(self, name: str, html: str) -> None:
        """Write an HTML page to NAME.html."""
        if self.place is not None:
            (self.place / f"{name}.html").write_text(html, encoding="utf-8")

    def link(self, name: str, words: str) -> str:
        """The HTML of a link to a written file; "" when nothing is written."""
        from virtkit.draw.html import escape_text

        if self.place is None:
            return ""
        return f'<p class="noprint"><a href="{escape_text(name)}">{escape_text(words)}</a></p>'
