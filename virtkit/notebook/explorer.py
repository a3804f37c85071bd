"""The explorer for JupyterLab: choose a domain, machine type, models and guest OS, and see topology and verdicts."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from virtkit import facts
from virtkit.errors import UsageError, VirtkitError
from virtkit.inputs import sources
from virtkit.notebook import outcomes, what_if
from virtkit.releases import dotted

if TYPE_CHECKING:
    from collections.abc import Callable

    from virtkit.domain.domain import Domain
    from virtkit.host import Host
    from virtkit.topology.model import Topology

__all__ = ["explorer"]

_MOST_FILES = 1000  # in the list of domains


def explorer(folder: str = "", host: Host | None = None) -> Any:
    """A widget to choose a domain, host, machine type, models and guest, which shows their topology and verdicts.

    ``folder`` holds the ``*.xml`` files to choose from ("" means the sample domains); any other domain can be pasted,
    uploaded or named by its path. ``host`` is a Host to offer beside the shipped ones. Nothing is written. Needs
    ipywidgets. Raises UsageError if it is missing, or if ``folder`` is not a folder.

    >>> import virtkit as vk
    >>> vk.explorer()
    """
    if find_spec("ipywidgets") is None:
        raise UsageError("explorer needs the Python package ipywidgets: pip install 'virtkit[lab]'")
    base = Path(folder).expanduser() if folder else facts.path("domains")
    if not base.is_dir():
        raise UsageError(f"expected a folder, got {folder!r}")
    files = {str(one.path.relative_to(base)): one.path for one in sources([str(base)]) if one.path and one.path != base}
    return _Explorer(dict(list(files.items())[:_MOST_FILES]), len(files) - _MOST_FILES, host).box


class _Explorer:
    """The widgets, and the responses to their changes."""

    def __init__(self, files: dict[str, Path], more: int, host: Host | None) -> None:
        import ipywidgets as widgets

        from virtkit.guests import catalogue
        from virtkit.host import Host

        self.files, self.quiet = files, False
        self.domain: Domain | None = None
        self.lists: dict[str, Any] = {}
        self.drawn: tuple[Topology | None, Topology] | None = None
        hosts = [*filter(None, [host]), *Host.observed()]
        wide = widgets.Layout(width="21rem")
        first = "rhel6-q35-virtio.xml" if "rhel6-q35-virtio.xml" in files else next(iter(files), None)
        note = f"domain ({more} more not listed)" if more > 0 else "domain"
        self.file = widgets.Dropdown(options=list(files), value=first, description=note, layout=wide)
        hint = "the XML of a domain or the path of a file"
        self.own = widgets.Textarea(placeholder=hint, rows=6, layout=widgets.Layout(width="44rem"))
        self.own.continuous_update = False
        self.upload = widgets.FileUpload(accept=".xml", description="Upload a file")
        labels = [(f"libvirt {dotted(one.libvirt)}, QEMU {dotted(one.qemu)}", one) for one in hosts]
        self.host = widgets.Dropdown(options=labels, description="host", layout=wide)
        self.machine = widgets.Combobox(placeholder="as written", description="machine", layout=wide)
        known = tuple(one.id for one in catalogue())
        self.guest = widgets.Combobox(options=known, placeholder="from the metadata", description="guest", layout=wide)
        for box in (self.machine, self.guest):
            box.continuous_update = False
        self.models = widgets.HBox(layout=widgets.Layout(flex_flow="row wrap"))
        # No Output widget: printing into one makes the client send while it waits (see virtkit.reporting.kernel).
        self.verdicts, self.picture = widgets.HTML(), widgets.HTML()
        own = widgets.VBox([self.own, self.upload])
        folds = widgets.Accordion([own, self.models])
        folds.titles = ("Your own domain", "Virtio models")
        folds.selected_index = 1
        row = widgets.Layout(flex_flow="row wrap")
        choices = widgets.HBox([self.file, self.host, self.machine, self.guest], layout=row)
        self.box = widgets.VBox([choices, folds, self.verdicts, self.picture])
        self.file.observe(self.choose, names="value")
        self.own.observe(self.paste, names="value")
        self.upload.observe(self.take, names="value")
        self.host.observe(self.fit, names="value")
        for box in (self.machine, self.guest):
            box.observe(self.show, names="value")
        self.choose()

    def choose(self, _: object = None) -> None:
        """Use the domain chosen in the list."""
        if self.file.value is not None:
            self.use(lambda: what_if.read_domain(str(self.files[self.file.value])))

    def paste(self, _: object = None) -> None:
        """Use the domain that was pasted or named by its path."""
        if self.own.value.strip():
            self.use(lambda: what_if.read_domain(self.own.value))

    def take(self, _: object = None) -> None:
        """Use the uploaded domain."""
        from virtkit.inputs import read

        for file in self.upload.value[-1:]:
            self.use(partial(read, bytes(file["content"]), str(file["name"])))

    def use(self, opened: Callable[[], Domain]) -> None:
        """Switch to another domain or show the error; machine type and models are reset to those written."""
        try:
            self.domain = opened()
        except VirtkitError as error:
            self.show_error(error)
            return
        self.quiet = True
        self.machine.value = ""
        self.quiet = False
        self.fit()

    def fit(self, _: object = None) -> None:
        """Offer the machine types of the host, and the models of the kinds of devices in the domain."""
        import ipywidgets as widgets

        from virtkit.guests.kinds import database_kind

        if self.domain is None:
            return
        self.machine.options = what_if.machine_types(self.domain, self.host.value)
        kinds = what_if.virtio_models(self.domain, self.host.value)
        every = tuple(dict.fromkeys(model for models in kinds.values() for model in models))
        offered = {what_if.ALL_KINDS: every, **kinds} if kinds else {}
        self.lists = {}
        for kind, models in offered.items():
            options = [("as written", ""), *((model, model) for model in models)]
            named = "all kinds" if kind == what_if.ALL_KINDS else database_kind(kind)
            one = widgets.Dropdown(options=options, description=named, layout=widgets.Layout(width="17rem"))
            one.observe(self.show, names="value")
            self.lists[kind] = one
        self.models.children = tuple(self.lists.values())
        self.show()

    def show(self, _: object = None) -> None:
        """Evaluate the scenario that is chosen; the verdicts come first, because the picture takes longer."""
        if self.quiet or self.domain is None:
            return
        models = {kind: one.value for kind, one in self.lists.items() if one.value}
        scenario = what_if.Scenario(self.machine.value.strip(), self.guest.value.strip(), models)
        try:
            outcome = what_if.evaluate(self.domain, scenario, self.host.value)
        except VirtkitError as error:
            self.show_error(error)
            return
        self.verdicts.value = outcomes.verdicts_html(outcome)
        both = (None if outcome.before is None else outcome.before.topology, outcome.after.topology)
        if both != self.drawn:
            self.picture.value = outcomes.picture_of(outcome)
            self.drawn = both

    def show_error(self, error: VirtkitError) -> None:
        """Show an error in place of verdicts and picture."""
        self.verdicts.value, self.picture.value, self.drawn = outcomes.error_html(error), "", None
