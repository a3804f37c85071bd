"""What notebooks share: parameters checked by name, and one place that results are written to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from virtkit import facts
from virtkit.errors import UsageError
from virtkit.inputs import Source, sources_below
from virtkit.topology.model import Topology

if TYPE_CHECKING:
    import pandas as pd

    from virtkit.draw.html import Html, Svg

__all__ = ["ANSWER", "Output", "answered", "count", "domain_sources", "folder", "text", "yes_or_no"]

#: The file that holds what a notebook found.
ANSWER = "answer.txt"


def answered(folder: Path) -> str:
    """The first sentence of what the notebook of a run's folder found; "" where it says nothing."""
    try:
        return (folder / ANSWER).read_text(encoding="utf-8").partition("\n")[0]
    except (OSError, ValueError):
        return ""


class _Drawing(Protocol):
    def svg(self) -> str: ...

    def png(self) -> bytes: ...


def yes_or_no(name: str, value: object) -> bool:
    """A parameter that is True or False; "on" and "off" do as well. Raises UsageError."""
    words = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise UsageError(f"{name} = {value!r}: True or False is right")


def text(name: str, value: object) -> str:
    """A parameter that is text; a list of texts is joined by commas. Raises UsageError."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        return ",".join(value)
    raise UsageError(f"{name} = {value!r}: text is right, such as {name} = 'a,b'")


def count(name: str, value: object, least: int = 0) -> int:
    """A parameter that is a whole number, ``least`` or more; as text too, because forms give text. Raises
    UsageError."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value[:20])
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        return value
    raise UsageError(f"{name} = {value!r}: a whole number, {least} or more, is right")


def folder(name: str, value: object) -> str:
    """A parameter that is an existing folder, or "" for none. Raises UsageError."""
    path = text(name, value)
    if path and not Path(path).expanduser().is_dir():
        raise UsageError(f"{name} = {path!r}: not a folder (seen from {Path.cwd()})")
    return str(Path(path).expanduser()) if path else ""


def domain_sources(path: str) -> Iterator[Source]:
    """The ``*.xml`` below a folder ("" means the sample domains), each called by its place below it, in order."""
    return sources_below(Path(path) if path else facts.path("domains"))


class Output:
    """Where a notebook's results go: files in ``place``, or nowhere when it is "" (as in JupyterLab)."""

    def __init__(self, place: str) -> None:
        self.place = Path(place) if place else None
        if self.place is not None:
            self.place.mkdir(parents=True, exist_ok=True)

    def table(self, name: str, frame: pd.DataFrame) -> None:
        """The frame as NAME.csv and NAME.parquet; the same frame gives the same bytes."""
        if self.place is None:
            return
        frame.to_csv(self.place / f"{name}.csv", index=False, lineterminator="\n")
        plain = frame.copy()
        plain.attrs = {}
        plain.to_parquet(self.place / f"{name}.parquet", index=False)

    def picture(self, name: str, drawing: _Drawing) -> None:
        """The drawing as NAME.svg and NAME.png."""
        if self.place is not None:
            (self.place / f"{name}.svg").write_text(drawing.svg(), encoding="utf-8")
            (self.place / f"{name}.png").write_bytes(drawing.png())

    def topology(self, name: str, topology: Topology, before: Topology | None = None) -> Svg:
        """The bus tree, or what changed since ``before``, as NAME.svg, NAME.png and NAME.txt; returns what a notebook
        can show."""
        from virtkit.draw import picture, tree
        from virtkit.draw.html import Svg

        if self.place is None:
            return Svg(picture.svg(topology, before))
        drawn, image = picture.both(topology, before)
        (self.place / f"{name}.svg").write_text(drawn, encoding="utf-8")
        (self.place / f"{name}.png").write_bytes(image)
        text = tree.text(topology) if before is None else tree.difference(before, topology)
        (self.place / f"{name}.txt").write_text(text, encoding="utf-8")
        return Svg(drawn)

    def text(self, name: str, text: str) -> None:
        """Text as a file of that name, such as "decision.md"."""
        if self.place is not None:
            (self.place / name).write_text(text, encoding="utf-8")

    def answer(self, sentences: Sequence[str]) -> Html:
        """What the notebook found, for the top of its page, and as ``answer.txt``; the index shows the first."""
        from virtkit.draw.html import Html, escape_text

        self.text(ANSWER, "".join(f"{sentence}\n" for sentence in sentences))
        lead, *others = map(escape_text, sentences)
        rest = f"<ul>{''.join(f'<li>{sentence}</li>' for sentence in others)}</ul>" if others else ""
        return Html(f'<div class="answer"><p>{lead}</p>{rest}</div><!--changes-->')

    def page(self, name: str, html: str) -> None:
        """A page of its own as NAME.html."""
        if self.place is not None:
            (self.place / f"{name}.html").write_text(html, encoding="utf-8")

    def link(self, name: str, words: str) -> str:
        """HTML of a link to a written file, or nothing where nothing is written."""
        from virtkit.draw.html import escape_text

        if self.place is None:
            return ""
        return f'<p class="noprint"><a href="{escape_text(name)}">{escape_text(words)}</a></p>'
