"""A self-contained HTML page: styles and scripts inline, nothing fetched, no inline event handler."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from virtkit.draw.html import escape_text, static

__all__ = ["document"]


def document(title: str, body: str, *, styles: Sequence[str] = (), scripts: Sequence[str] = ()) -> str:
    """A whole page around ``body`` (HTML); ``styles`` and ``scripts`` name files of ``virtkit/draw/static``.

    The page's content security policy allows only these scripts, by their hash, and fetches nothing.
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
        f"<title>{escape_text(title)}</title>\n<style>{css}</style>\n</head>\n<body>\n{body}\n{tail}\n</body>\n</html>\n"
    )
