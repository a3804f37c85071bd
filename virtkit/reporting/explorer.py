"""An explorer for JupyterLab: choose domain, machine, model and guest OS, and see the topology and the verdicts."""

from __future__ import annotations

from typing import Any

from virtkit import facts

__all__ = ["explorer", "show"]


def show(domain: str, machine: str = "", guest: str = "", model: str = "") -> list[Any]:
    """What a sample domain is on ``machine`` ("" as written) and what ``guest`` ("" as it says) makes of it.

    ``model`` ("" as written) is given to every virtio device that knows it, and libvirt places those anew.

    Returns what a notebook displays: the picture and a table of verdicts, or the refusal as text.
    """
    import virtkit as vk
    from virtkit.compat import check
    from virtkit.compat.remodel import models_of, rewritten
    from virtkit.draw import picture
    from virtkit.draw.table import Html, Svg, preformatted
    from virtkit.errors import VirtkitError

    try:
        resolved = vk.resolve(vk.read(facts.path(f"domains/{domain}.xml")), machine=machine or None)
        if model:
            places = [n for n, device in enumerate(resolved.virtio_devices) if model in models_of(device)]
            text = rewritten(resolved, dict.fromkeys(places, model), places)
            resolved = vk.resolve(vk.read(text.encode(), f"{domain}.xml"), machine=machine or None)
        review = check(resolved, guest or None)
    except VirtkitError as error:
        return [Html(f"<p>{_said(error)}</p>")]
    return [Svg(picture.svg(resolved.topology)), preformatted(review.text())]


def _said(error: Exception) -> str:
    from virtkit.draw.page import said

    return said(str(error))


def explorer() -> Any:
    """The widget. Needs ipywidgets (extra ``lab``).

    >>> import virtkit as vk
    >>> vk.explorer()
    """
    import ipywidgets as widgets

    from virtkit.guests import catalogue
    from virtkit.models.interface import MODELS

    names = sorted(path.stem for path in facts.path("domains").glob("*.xml"))
    domain = widgets.Dropdown(options=names, value="rhel6-q35-virtio", description="domain")
    machine = widgets.Dropdown(options=[("as written", ""), ("pc", "pc"), ("q35", "q35")], description="machine")
    model = widgets.Dropdown(options=[("as written", ""), *((name, name) for name in MODELS)], description="model")
    known = sorted(one.id for one in catalogue())
    guest = widgets.Combobox(value="", options=known, placeholder="as the domain says", description="guest")
    guest.continuous_update = False
    # Not an Output widget: what is printed there makes a client send while it waits (see virtkit.reporting.kernel).
    out = widgets.HTML()

    def update(_: object = None) -> None:
        parts = show(domain.value, machine.value, guest.value.strip(), model.value)
        out.value = "".join(part.text for part in parts)

    for choice in (domain, machine, model, guest):
        choice.observe(update, names="value")
    update()
    return widgets.VBox([widgets.HBox([domain, machine, model, guest]), out])
