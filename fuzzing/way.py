"""The way of one domain: resolve, write, resolve again, draw, check, attach; and what must hold of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from lxml import etree

import virtkit as vk
from fuzzing.properties import elements, given_twice, lost, of_dumps
from virtkit import Host, Resolved
from virtkit.domain.document import parse
from virtkit.domain.domain import Domain
from virtkit.domain.frame import Framed
from virtkit.domain.placed import placed_by_qemu
from virtkit.errors import Refused, VirtkitError
from virtkit.releases import DEFAULT, dotted

__all__ = ["VIEWS", "Broken", "go"]

#: What libvirt refuses in its own dump: serials without a type get their ports before they become ISA serials, whose
#: ports are checked. Observed: libvirt 9.0 defines such a domain, and does not load it again.
_OF_DUMPS = ("number of ISA serial ports", "already allocated")
_GUESTS = ("rhel6.10", "rhel9.4", "win2k8r2", "win11", "debian12", "freebsd14.0", "openbsd7.0", "ubuntu16.04")


class Broken(Exception):
    """A property that does not hold: its name, what was found, and the ``kind`` of it, which is that of the cause."""

    def __init__(self, name: str, what: str, kind: str = "") -> None:
        super().__init__(f"{name}: {what:.600}")
        self.name, self.kind = name, kind


@cache
def hosts() -> tuple[Host | None, ...]:
    """The hosts that domains are resolved for: mostly the default one, also as a fixed one, then the other releases."""
    default = Host.default(dotted(DEFAULT))
    return (None, default, default, *Host.observed())


def go(domain: Domain, pick: int, every: bool = False) -> None:
    """Take a domain the whole way. ``pick`` chooses the release, the guest OS and the views that cost more time, unless
    ``every`` asks for all views. Raises Broken, and VirtkitError for a domain that is refused."""
    resolved = vk.resolve(domain, hosts()[pick % len(hosts())])
    text = resolved.xml()
    if given := given_twice(resolved):
        raise Broken("an address is given twice", repr(given))
    if gone := lost(domain.document.root, text):
        raise Broken("devices are lost", repr(gone), " ".join(gone))
    _again(resolved, text)
    for number, view in enumerate(VIEWS):
        if every or (pick >> 3) % _RARITY[number] == 0:
            with suppress(VirtkitError):
                view(resolved, pick)


def _again(resolved: Resolved, text: str) -> None:
    """Resolving what was resolved changes nothing. Left out: 9.0, which gives zPCI ids late, and domains whose dump
    libvirt itself reads otherwise."""
    if resolved.host.libvirt < DEFAULT or placed_by_qemu(resolved.domain.document.root) or of_dumps(text):
        return
    try:
        twice = vk.resolve(vk.read(resolved.domain.document.encoded(text)), resolved.host).xml()
    except Refused as refusal:
        if any(words in refusal.what for words in _OF_DUMPS):
            return
        raise Broken("a resolved domain is refused", str(refusal), refusal.what) from None
    before, after = elements(text), elements(twice)
    if before != after:
        gone, new = sorted(set(before) - set(after)), sorted(set(after) - set(before))
        kinds = " ".join(sorted({re.split(r"[ />]", one)[0] for one in (*gone, *new)}))
        raise Broken("resolving again changes the devices", f"{gone} became {new}", kinds)


def _tree(resolved: Resolved, pick: int) -> None:
    from virtkit.serialization import topology_text

    if "\x1b" in (view := topology_text(resolved.topology)):
        raise Broken("a control character is printed", view)


def _texts(resolved: Resolved, pick: int) -> None:
    from virtkit.qemu_args import text as argument_text
    from virtkit.serialization import explanation, resolved_json, topology_json, topology_text, topology_warnings

    topology = resolved.topology
    json.loads(resolved_json(resolved))
    json.loads(topology_json(topology))
    # The row of an assumed host is about the domain.
    if {row["device"] for row in explanation(resolved)} - {"domain"} != {device.id for device in resolved.devices}:
        raise Broken("a device has no explanation", repr([device.id for device in resolved.devices]))
    for view in (argument_text(resolved), topology_text(topology), *topology_warnings(topology)):
        if "\x1b" in view or "\x00" in view:
            raise Broken("a control character is printed", view)


def _svg(resolved: Resolved, pick: int) -> None:
    from virtkit.draw import picture

    root = etree.fromstring(picture.svg(resolved.topology).encode())
    foreign = {str(one.tag) for one in root.iter(etree.Element) if not str(one.tag).startswith("{http://www.w3.org/2000/svg}")}
    if foreign or any(str(one.tag).endswith("}script") for one in root.iter(etree.Element)):
        raise Broken("text of the input becomes an element of the picture", repr(foreign))


def _attach(resolved: Resolved, pick: int) -> None:
    from virtkit.hotplug import report
    from virtkit.hotplug.forms import FORMS, Names, devices_of
    from virtkit.hotplug.session import Session, Step

    forms = sorted(FORMS)
    session = Session(resolved)
    names = Names(resolved.inventory)
    chosen = [forms[(pick >> shift) % len(forms)] for shift in ((0, 5, 10) if pick % 16 == 0 else (0,))]
    steps = [Step("attach", "both", xml) for form in chosen for xml in devices_of(form, names)]
    outcomes = list(session.run(steps))
    report.text(session, outcomes)
    running = session.running.snapshot()
    if given := [place for place in given_twice(running) if place not in given_twice(resolved)]:
        raise Broken("attach gives an address twice", f"{chosen}: {given}")
    elements(session.running.xml())
    elements(session.definition.xml())


def _check(resolved: Resolved, pick: int) -> None:
    review = vk.check(resolved, _GUESTS[(pick >> 4) % len(_GUESTS)])
    str(review)
    _html(review)


def _power(resolved: Resolved, pick: int) -> None:
    from virtkit.boot.annotations import annotated
    from virtkit.boot.power_on import power_on

    power = power_on(resolved, vk.guests.find(_GUESTS[(pick >> 4) % len(_GUESTS)]))
    power.text()
    json.dumps(power.as_dict())
    _html(power)
    annotated(resolved.topology, power)


def _html(value: object) -> None:
    """The display of a value in a notebook is well-formed as far as its escaped text goes."""
    show = getattr(value, "_repr_mimebundle_", None) or getattr(value, "_repr_html_", None)
    shown = show() if show is not None else None
    html = shown.get("text/html", "") if isinstance(shown, dict) else shown or ""
    if "<script>x" in html or "\x00" in html:
        raise Broken("text of the input is not escaped in HTML", html)


def _shown(resolved: Resolved, pick: int) -> None:
    for value in (resolved.topology, resolved.domain, resolved, resolved.trace):
        _html(value)


def _room(resolved: Resolved, pick: int) -> None:
    from virtkit.hotplug.capacity import capacity

    capacity(resolved, 4).text(3)


def _pinned(resolved: Resolved, pick: int) -> None:
    from virtkit.hotplug.pinning import pinned

    text, _ = pinned(resolved)
    elements(text)


def _moves(resolved: Resolved, pick: int) -> None:
    from virtkit.hotplug.upgrade import upgrade

    other = vk.resolve(resolved.domain, Host.default("9.0" if resolved.host.libvirt != (9, 0) else dotted(DEFAULT)))
    vk.compare(resolved.topology, other.topology)
    str(upgrade(resolved, other))


def _converted(resolved: Resolved, pick: int) -> None:
    vk.convert(resolved, ("pc", "q35")[pick & 1], _GUESTS[(pick >> 4) % len(_GUESTS)])


def _policy(resolved: Resolved, pick: int) -> None:
    from virtkit.policy.review import review

    review(vk.load_policy("recommended"), resolved, _GUESTS[(pick >> 4) % len(_GUESTS)])


def _whole(resolved: Resolved, pick: int) -> None:
    """A domain whose known devices are not parsed becomes what it becomes when everything is parsed."""
    domain = resolved.domain
    document = parse(domain.document.encoded(domain.document.text), domain.path)
    if not isinstance(domain.document, Framed):
        return
    other = vk.resolve(Domain(document, domain.notes), resolved.host)
    if other.xml() != resolved.xml():
        raise Broken("a known device changes the domain", other.xml())
    before, after = ([(one.id, one.line, str(one.address)) for one in found.devices] for found in (other, resolved))
    if before != after:
        raise Broken("a known device changes the devices", f"{before} became {after}")


VIEWS: tuple[Callable[[Resolved, int], None], ...] = (
    _tree, _attach, _texts, _svg, _check, _power, _shown, _pinned, _moves, _converted, _policy, _room, _whole
)  # fmt: skip
"""What is made of a resolved domain."""
#: Each view is for one domain in so many, by what it costs and by how often its code changes.
_RARITY = (1, 2, 4, 8, 11, 13, 17, 19, 23, 29, 31, 37, 3)
