"""Kept texts of devices are those that the editor makes anew."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.test_resolution import RELEASE, drawn, taken
from virtkit.domain import device_texts
from virtkit.domain.address import PciAddress
from virtkit.domain.editor import new_element, rewritten
from virtkit.domain.edits import SetAddress, SetAttribute
from virtkit.domain.source_map import source_map

pytestmark = pytest.mark.property

INDENT = "\n    "


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), RELEASE)
def test_a_kept_text_equals_one_that_is_made_anew(seed: int, release: str) -> None:
    """Each device of a random domain has the same text from the memo, twice, as from the editor alone."""
    found = taken(drawn(seed, release), release)
    outline = found.domain.outline
    for device in found.devices:
        address = device.address if device.added or device.readdressed else None
        edits = [*device.edits] if address is None else [*device.edits, SetAddress(address)]
        for _ in range(2):
            if device.added:
                wanted = new_element(device.kind, edits, INDENT)
                assert device_texts.new(device.kind, device.edits, address, INDENT) == wanted
            else:
                text = outline.texts[device.position]
                wanted = rewritten(text, source_map(text), edits, INDENT)
                assert device_texts.edited(device.kind, text, device.edits, address, INDENT) == wanted


@pytest.mark.parametrize("file", ["/a", "/b", "/c/address='x'"])
def test_each_disk_keeps_its_own_path(file: str) -> None:
    """Disks whose texts differ only in their paths are kept together, and each is written with its own."""
    text = f'<disk type="file"><source file="{file}"/><target dev="vda"/></disk>'.replace("'", "&apos;")
    found = device_texts.edited("disk", text, [SetAttribute("target", "bus", "virtio")], PciAddress(0, 1, 2, 0), INDENT)
    assert text[: text.index("<target")] in found
    assert found.count("bus='virtio'") == 1
    assert "bus='0x01' slot='0x02'" in found


def test_the_memo_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """It never holds more texts than its bound, and goes on giving right ones."""
    monkeypatch.setattr(device_texts, "MOST", 3)
    monkeypatch.setattr(device_texts, "_known", {})
    for number in range(10):
        found = device_texts.new("rng", [SetAttribute("", "model", f"m{number}")], None, INDENT)
        assert found == f"<rng model='m{number}'/>"
        assert len(device_texts._known) <= 3
