"""The index of all runs: what was run, how it ended, and what changed since the run before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from virtkit.draw.page import document, said

__all__ = ["page"]

_GLYPH = {"passed": "✓", "failed": "✗", "running": "…", "interrupted": "⊘", "unchanged": "✓"}


def page(records: Sequence[Mapping[str, Any]], latest: str | None) -> str:
    """The HTML index of ``records`` (newest first); ``latest`` is the id of the last run that passed."""
    body = ["<header><h1>virtkit reports</h1>"]
    good = next((record for record in records if record.get("id") == latest), None)
    if good is not None:
        links = " · ".join(_links(good, "latest"))
        body.append(f"<p>Last good run, {said(latest)}: {links}</p>")
    else:
        body.append("<p>No run has passed yet.</p>")
    body.append("</header><main>")
    for record in records:
        body += _run(record, record.get("id") == latest)
    body.append("</main>")
    return document("virtkit reports", "\n".join(body), styles=("index.css",))


def _links(record: Mapping[str, Any], folder: str) -> Iterator[str]:
    for entry in record.get("notebooks", ()):
        name = str(entry.get("name", ""))
        status = str(entry.get("status", ""))
        yield (
            f'<a href="{said(quote(f"{folder}/{name}/index.html"))}">{said(entry.get("title") or name)}</a> '
            f'<span class="{said(status)}">{_GLYPH.get(status, "?")} {said(status)}</span>'
        )


def _run(record: Mapping[str, Any], good: bool) -> Iterator[str]:
    ident, status = str(record["id"]), str(record.get("status", "unknown"))
    yield f'<section class="run {said(status)}"><h2>{said(ident)}{" (latest)" if good else ""}</h2>'
    git = record.get("git") or {}
    revision = (
        f", revision {str(git.get('revision', ''))[:12]}{' with changes' if git.get('dirty') else ''}" if git else ""
    )
    yield (
        f'<p><span class="{said(status)}">{_GLYPH.get(status, "?")} {said(status)}</span> in '
        f"{said(record.get('seconds', '?'))} s, virtkit {said(record.get('packages', {}).get('virtkit', '?'))}"
        f'{said(revision)}, <a href="{said(quote(f"{ident}/run.json"))}">run.json</a></p>'
    )
    yield "<ul>"
    for link, entry in zip(_links(record, ident), record.get("notebooks", ()), strict=True):
        error = f"<br><code>{said(entry['error'])}</code>" if entry.get("error") else ""
        yield f"<li>{link}, {said(entry.get('seconds', '?'))} s{error}</li>"
    yield "</ul>"
    changes = record.get("changes")
    if changes:
        items = "".join(f"<li>{said(change)}</li>" for change in changes)
        yield f"<details open><summary>Changed since the last good run</summary><ul>{items}</ul></details>"
    elif changes is not None:
        yield '<p class="soft">Nothing changed since the last good run.</p>'
    yield "</section>"
