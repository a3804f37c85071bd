"""Pages and pictures. Peers: pandas Styler for a matrix page, resolving for a topology picture."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.timing import Figure, best

__all__ = ["figures"]


def figures() -> Iterator[Figure]:
    """Time of a matrix page and of a topology picture."""
    import virtkit as vk
    from virtkit import facts
    from virtkit.compat.matrix import matrix
    from virtkit.draw import picture
    from virtkit.draw.matrix import html_page
    from virtkit.notebook.guests import guest_labels

    frame = matrix(guests="family=linux", machines="pc,q35", kinds="net,block,scsi,rng,balloon,console")
    wide = frame.astype("str").pivot_table(
        index="guest", columns=["kind", "machine", "model"], values="verdict", aggfunc="first"
    )
    labels = guest_labels(frame["guest"].unique())
    ours = best(lambda: html_page(frame, "Linux", labels), 3)
    styled = best(lambda: wide.style.map(lambda value: "color: red" if value == "fails" else "").to_html(), 1)
    size = len(html_page(frame, "Linux", labels)) / 1024
    note = f"{wide.shape[0]} guests by {wide.shape[1]}; {size:,.0f} KiB"
    yield Figure("matrix page", ours, "pandas Styler, without reasons", styled, note)
    yield from _painted()
    domain = vk.read(facts.path("domains/30-disks-q35.xml"))
    topology = vk.resolve(domain).topology
    resolving = best(lambda: vk.resolve(domain), 3)
    picture.svg(topology)
    drawing = best(lambda: picture.svg(topology), 3)
    note = "30 disks on q35"
    yield Figure("topology picture, SVG", drawing, "resolving the domain", resolving, note)
    yield Figure("topology picture, PNG", best(lambda: picture.png(topology), 3), "the SVG", drawing, note)


def _painted() -> Iterator[Figure]:
    """The first paint of the whole matrix by kinds, machines and models in headless Chromium, where it is installed."""
    import virtkit as vk
    from tests.browser import PROGRAM, browser
    from virtkit.draw.matrix import html_page
    from virtkit.notebook.guests import guest_labels

    if PROGRAM is None:
        print("first paint: chromium is not installed", file=sys.stderr)
        return
    frame = vk.matrix(kinds="net,block,scsi,rng,balloon", machines="pc,q35,pc-q35-7.2,pc-i440fx-7.2")
    columns = len(frame[["kind", "machine", "model"]].drop_duplicates())
    with TemporaryDirectory() as folder, browser() as page:
        file = Path(folder) / "matrix.html"
        labels = guest_labels(frame["guest"].unique())
        file.write_text(html_page(frame, "All guests", labels), encoding="utf-8")
        page.open(file)
        size = file.stat().st_size / 1024
        guests = frame["guest"].nunique()
        yield Figure(
            "first paint of the whole matrix", page.painted(), note=f"{guests} guests by {columns}; {size:,.0f} KiB"
        )
