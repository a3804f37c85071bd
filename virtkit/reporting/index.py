"""The index page of all runs: the notebooks, how each run ended, and what changed since the last good run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from virtkit.draw.html import escape_text
from virtkit.draw.page import document
from virtkit.reporting.parameters import PARTS
from virtkit.reporting.printing import PDF
from virtkit.wording import counted

__all__ = ["failures", "page"]

_GLYPH = {"passed": "✓", "unchanged": "✓", "failed": "✗", "interrupted": "⊘", "abandoned": "⊘", "running": "…"}
_ENDED = {"failed": "failed", "interrupted": "was interrupted", "abandoned": "ended without a record"}
_UNFOLDED = 3  # number of runs, from the newest, whose changes are unfolded

Record = Mapping[str, Any]


def failures(record: Record) -> dict[str, str]:
    """The errors of a run, keyed by notebook; the key "run" stands for the run as a whole."""
    found = {str(entry["name"]): str(entry["error"]) for entry in record.get("notebooks", ()) if entry.get("error")}
    for name, error in record.get("pdf", {}).items():
        if error:
            found.setdefault(str(name), str(error))
    if record.get("error"):
        found["run"] = str(record["error"])
    return found


def page(records: Sequence[Record], latest: str | None, keep: int | None = None) -> str:
    """The HTML index of ``records``, newest first.

    ``latest`` is the id of the last run that passed, ``keep`` the number of runs that are kept (None: all).
    """
    good = next((record for record in records if record.get("id") == latest), None)
    ended = next((record for record in records if record.get("status") != "running"), None)
    body = ["<header><h1>virtkit reports</h1>"]
    if ended is not None and ended.get("status") in _ENDED:
        body += _alert(ended, good)
    if good is not None:
        body.append(f'<h2>Last good run <span class="soft">{escape_text(_when(good))}</span></h2>')
        body += _parts(good)
    else:
        body.append("<p>No run has passed yet.</p>")
    body.append("</header><main><h2>All runs</h2>")
    for number, record in enumerate(records):
        body += _run(record, record.get("id") == latest, number < _UNFOLDED)
    kept = "All runs are kept."
    if keep is not None:
        kept = f"{counted(keep, 'run')} and the last good run are kept."
    body.append(f'<p class="soft">{kept}</p></main>')
    return document("virtkit reports", "\n".join(body), styles=("index.css",))


def _parts(good: Record) -> Iterator[str]:
    """The notebooks of a run by part: what an operator needs first, the design review last."""
    entries = list(zip(_links(good, "latest"), good.get("notebooks", ()), strict=True))
    headed = {str(entry.get("part", "")) for _, entry in entries} != {""}
    for part, title in {**PARTS, "": "More" if headed else ""}.items():
        mine = [(link, entry) for link, entry in entries if str(entry.get("part", "")) == part]
        if not mine:
            continue
        if title:
            yield f"<h3>{escape_text(title)}</h3>"
        yield '<ul class="good">'
        for link, entry in mine:
            answer = f"<p>{escape_text(entry['answer'])}</p>" if entry.get("answer") else ""
            context = f'<p class="soft">{escape_text(entry["context"])}</p>' if entry.get("context") else ""
            yield f"<li>{link}{answer}{context}</li>"
        yield "</ul>"


def _alert(record: Record, good: Record | None) -> Iterator[str]:
    status = str(record["status"])
    errors = "; ".join(f"{name}: {error}" for name, error in failures(record).items())
    yield f'<p class="alert" role="alert"><strong>{_mark(status)}</strong>: the last run, '
    yield f"of {escape_text(_when(record))}, {_ENDED[status]}."
    if errors:
        yield f" {escape_text(errors)}."
    yield f"{' The reports below are those of the last good run.' if good else ''}</p>"


def _when(record: Record) -> str:
    try:
        return datetime.fromisoformat(str(record.get("started"))).strftime("%d %B %Y, %H:%M UTC")
    except ValueError:
        return str(record.get("id", ""))


def _mark(status: str) -> str:
    return f'<span class="{escape_text(status)}">{_GLYPH.get(status, "?")} {escape_text(status)}</span>'


def _links(record: Record, folder: str) -> Iterator[str]:
    printed = record.get("pdf", {})
    for entry in record.get("notebooks", ()):
        name = str(entry.get("name", ""))
        place = f"{folder}/{name}"
        link = f'<a href="{escape_text(quote(f"{place}/index.html"))}">{escape_text(entry.get("title") or name)}</a>'
        if name in printed and not printed[name]:
            link += f' <a class="pdf" href="{escape_text(quote(f"{place}/{PDF}"))}">PDF</a>'
        yield link


def _run(record: Record, good: bool, unfolded: bool) -> Iterator[str]:
    ident, status = str(record["id"]), str(record.get("status", "unknown"))
    yield (
        f'<section class="run {escape_text(status)}"><h3>{_mark(status)} {escape_text(_when(record))}'
        f"{' <em>latest</em>' if good else ''}</h3>"
    )
    yield f'<p class="soft">{", ".join(_facts(record, ident))}</p><ul>'
    for link, entry in zip(_links(record, ident), record.get("notebooks", ()), strict=True):
        seconds = entry.get("seconds", "?")
        took = f"{seconds:.1f} s" if isinstance(seconds, int | float) else escape_text(seconds)
        error = f"<br><code>{escape_text(entry['error'])}</code>" if entry.get("error") else ""
        mark = _mark(str(entry.get("status", "")))
        yield f"<li>{link} {mark}{'' if entry.get('status') == 'unchanged' else f' {took}'}{error}</li>"
    yield "</ul>"
    for name, error in record.get("pdf", {}).items():
        if error:
            yield f"<p><code>PDF of {escape_text(name)}: {escape_text(error)}</code></p>"
    if record.get("error"):
        yield f"<p><code>{escape_text(record['error'])}</code></p>"
    yield from _changes(record, unfolded)
    yield "</section>"


def _facts(record: Record, ident: str) -> Iterator[str]:
    yield f'<a href="{escape_text(quote(f"{ident}/run.json"))}">{escape_text(ident)}</a>'
    if "seconds" in record:
        yield f"{escape_text(record['seconds'])} s"
    packages = record.get("packages") or {}
    if packages.get("virtkit"):
        yield f"virtkit {escape_text(packages['virtkit'])}"
    git = record.get("git") or {}
    if git.get("revision"):
        yield f"revision {escape_text(str(git['revision'])[:12])}{', modified' if git.get('dirty') else ''}"


def _changes(record: Record, unfolded: bool) -> Iterator[str]:
    changes = record.get("changes")
    if changes is None:
        return
    since = escape_text(record.get("compared_with", "the last good run"))
    if not changes:
        yield f'<p class="soft">No changes since {since}.</p>'
        return
    items = "".join(f"<li>{escape_text(change)}</li>" for change in changes)
    yield (
        f"<details{' open' if unfolded else ''}><summary>{counted(len(changes), 'change')} since {since}</summary>"
        f"<ul>{items}</ul></details>"
    )
