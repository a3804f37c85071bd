"""An executed notebook as a self-contained HTML page, with folded code and a table of contents."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from virtkit.draw.html import escape_text, static
from virtkit.wording import counted

__all__ = ["page", "with_changes"]

_HEADING = re.compile(r"""<h([23])(?: id=["']([\w-]*)["'])?>(.*?)</h\1>""", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
_PLACE = "<!--changes-->"
_CHANGES = re.compile(f"{_PLACE}<details.*?<!--/changes-->", re.DOTALL)
_PRIORITY = ["text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/latex", "text/plain"]


@cache
def _exporter() -> Any:
    from nbconvert.exporters.html import HTMLExporter
    from nbconvert.exporters.templateexporter import TemplateExporter
    from nbconvert.filters.highlight import Highlight2HTML
    from traitlets.config import Config

    class Exporter(HTMLExporter):
        """An HTMLExporter without its second parse of the page, for elements that our template never makes."""

        def from_notebook_node(self, nb: Any, resources: Any = None, **kw: Any) -> Any:
            highlight: Any = Highlight2HTML
            self.register_filter("highlight_code", highlight(pygments_lexer="ipython3", parent=self))  # type: ignore[no-untyped-call]
            return TemplateExporter.from_notebook_node(self, nb, resources, **kw)

    config = Config()
    config.NbConvertBase.display_data_priority = _PRIORITY
    exporter: Any = Exporter
    return exporter(
        config=config,
        template_name="virtkit",
        extra_template_basedirs=[str(Path(__file__).parent / "templates")],
        exclude_anchor_links=True,
    )


@cache
def _code_style() -> str:
    from pygments.formatters import HtmlFormatter

    light = HtmlFormatter(style="default").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    return f"{light}\n@media screen and (prefers-color-scheme:dark){{{dark}}}\n.highlight pre{{background:var(--card)}}"


def page(
    notebook: Any,
    title: str,
    *,
    home: str = "../../index.html",
    footer: str = "",
    failure: str = "",
    files: Sequence[str] = (),
) -> str:
    """The HTML of an executed notebook (an nbformat node).

    ``title`` is the title of the page, ``home`` the link to the index of runs, ``footer`` plain text, ``failure`` a
    line at the top of a notebook that failed, ``files`` the names of the files beside the page that it links to.
    """
    script = static("matrix.js") + static("table.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    details = {
        "title": title,
        "home": home,
        "css": static("page.css") + static("notebook.css") + static("matrix.css") + _code_style(),
        "script": script,
        "policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        "footer": f'{escape(footer)}<span class="noprint">; <a href="../run.json">inputs and versions</a></span>'
        if footer
        else "",
    }
    _join_streams(notebook)
    html, _ = _exporter().from_notebook_node(notebook, resources={"virtkit": details})
    if _PLACE not in html:
        html = html.replace("</section>", f"</section>{_PLACE}", 1)
    if failure:
        html = html.replace("<main>", f'<main>\n<p class="failed" role="alert">{escape_text(failure)}</p>', 1)
    html, contents = _contents(str(html).replace("<!--files-->", _files(files), 1))
    return html.replace("<!--contents-->", contents, 1)


def _join_streams(notebook: Any) -> None:
    """Join the pieces of text that a cell wrote to one stream: a busy kernel sends a line in several."""
    for cell in notebook.cells:
        joined: list[Any] = []
        for output in cell.get("outputs", ()):
            if joined and output.output_type == joined[-1].output_type == "stream" and output.name == joined[-1].name:
                joined[-1].text += output.text
            else:
                joined.append(output)
        if joined:
            cell.outputs = joined


def with_changes(html: str, sentences: Sequence[str], since: str) -> str:
    """The page with the list of changes since the run ``since``, in place of any list that it already has.

    The list stands after the answer of the notebook, or after its introduction when it has none. Without sentences
    there is no list, so that equal runs have equal pages.
    """
    html = _CHANGES.sub(_PLACE, html, count=1)
    if not sentences:
        return html
    items = "".join(f"<li>{escape_text(sentence)}</li>" for sentence in sentences)
    block = (
        f'{_PLACE}<details class="changes" open>'
        f"<summary>{counted(len(sentences), 'change')} since {escape_text(since)}</summary>"
        f"<ul>{items}</ul></details><!--/changes-->"
    )
    return html.replace(_PLACE, block, 1)


def _files(names: Sequence[str]) -> str:
    """The section that links to the files beside a page, one line for each stem."""
    if not names:
        return ""
    groups: dict[str, list[str]] = {}
    for name in sorted(names):
        groups.setdefault(Path(name).stem, []).append(name)
    items = []
    for stem, members in groups.items():
        links = (f'<a href="{escape_text(quote(name))}">{escape_text(Path(name).suffix[1:])}</a>' for name in members)
        items.append(f"<li>{escape_text(stem)}: {', '.join(links)}")
    return f'<section class="files noprint"><h2>Files</h2><ul>{"".join(items)}</ul></section>'


def _contents(html: str) -> tuple[str, str]:
    """The page with an id on every heading, and the list of links to them."""
    items: list[str] = []

    def mark(found: re.Match[str]) -> str:
        level, ident, words = found[1], found[2] or f"section-{len(items) + 1}", found[3]
        items.append(f'<li class="l{level}"><a href="#{ident}">{_TAG.sub("", words)}</a></li>')
        return f'<h{level} id="{ident}">{words}</h{level}>'

    marked = _HEADING.sub(mark, html)
    return marked, f"<ul>{''.join(items)}</ul>" if items else ""
