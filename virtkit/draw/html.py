"""Pieces of HTML and SVG that a notebook displays as they are, and the escaping that all of them use."""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path

from virtkit.draw.palette import clean

__all__ = ["Html", "Svg", "collapsible", "escape_text", "preformatted", "static"]


@cache
def static(name: str) -> str:
    """The text of a style sheet or script in ``virtkit/draw/static``."""
    return (Path(__file__).parent / "static" / name).read_text(encoding="utf-8")


def escape_text(text: object) -> str:
    """``text`` as one line of HTML: markup is escaped, control and direction marks are replaced."""
    return escape(clean(text), quote=True)


class Html:
    """HTML that a notebook displays; ``text`` must be escaped already."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_html_(self) -> str:
        # A page of a report has these styles already; JupyterLab styles tables in its own way.
        return f"<style>{static('jupyter.css')}</style>{self.text}" if 'class="vk' in self.text else self.text


class Svg:
    """An SVG picture that a notebook displays without parsing it again."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_svg_(self) -> str:
        return self.text


def preformatted(text: str, summary: str = "") -> Html:
    """Text in a fixed-width font with its line breaks; collapsed under ``summary`` if there is one."""
    inside = f"<pre>{escape(text)}</pre>"
    return Html(f"<details><summary>{escape_text(summary)}</summary>{inside}</details>" if summary else inside)


def collapsible(inside: Html, summary: str, *, open_: bool = False) -> Html:
    """HTML under a ``summary`` that opens and closes it; ``open_`` shows it at first."""
    return Html(f"<details{' open' if open_ else ''}><summary>{escape_text(summary)}</summary>{inside.text}</details>")
