"""A self-contained HTML page: styles and scripts inside, nothing fetched, no inline handler ever run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path

from virtkit.draw.palette import clean

__all__ = ["document", "said", "static"]


@cache
def static(name: str) -> str:
    """The text of a style sheet or script of this package."""
    return (Path(__file__).parent / "static" / name).read_text(encoding="utf-8")


def said(text: object) -> str:
    """``text`` as HTML: one line, every sign that means something to HTML escaped."""
    return escape(clean(text), quote=True)


def document(title: str, body: str, *, styles: Sequence[str] = (), scripts: Sequence[str] = ()) -> str:
    """A whole page around ``body`` (HTML); ``styles`` and ``scripts`` name files of ``static``.

    Its content policy lets only these scripts run, by their hash, and nothing be fetched.
    """
    sources = [static(name) for name in scripts]
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in sources)
    allowed = hashes or "'none'"
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed};"
        " base-uri 'none'; form-action 'none'"
    )
    css = "".join(static(name) for name in ("page.css", *styles))
    tail = "".join(f"<script>{source}</script>" for source in sources)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{said(title)}</title>\n<style>{css}</style>\n</head>\n<body>\n{body}\n{tail}\n</body>\n</html>\n"
    )
