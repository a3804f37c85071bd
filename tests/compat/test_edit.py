"""Edits to XML text change the given attributes and elements, and nothing else."""

from __future__ import annotations

from typing import Any

from virtkit.domain.document import parse
from virtkit.domain.editor import Editor

TEXT = """<?xml version='1.0'?>
<!-- a comment with <disk model='x'/> -->
<domain   type="kvm">
  <name>a &gt; b</name>
  <devices>
    <disk type='file' title=" model='no' "   >
      <address type='pci' slot='0x01'/>
    </disk>
    <rng model = "virtio"/><input type='tablet'/>
  </devices>
</domain>
"""


def _editor() -> tuple[Editor, dict[str, Any]]:
    root = parse(TEXT.encode()).root
    return Editor(TEXT, root), {e.tag: e for e in root.iter("*")}


def test_an_attribute_changes_in_its_quotes() -> None:
    """A new value takes the place of the old between the same quotes."""
    editor, found = _editor()
    editor.set(found["rng"], "model", "virtio-transitional")
    assert editor.text() == TEXT.replace('model = "virtio"', 'model = "virtio-transitional"')


def test_an_attribute_is_added_not_found_inside_a_value() -> None:
    """A text like an attribute inside of another's value is not taken for one."""
    editor, found = _editor()
    editor.set(found["disk"], "model", "a'b")
    assert editor.text() == TEXT.replace("model='no' \"   >", "model='no' \" model='a&apos;b'   >")


def test_an_empty_element_gets_an_attribute_before_its_end() -> None:
    """<input/> stays one tag."""
    editor, found = _editor()
    editor.set(found["input"], "bus", "usb")
    assert "<input type='tablet' bus='usb'/>" in editor.text()


def test_removal_takes_the_line() -> None:
    """An element alone on its line goes with the line; one beside another goes alone."""
    editor, found = _editor()
    editor.remove(found["address"])
    assert editor.text() == TEXT.replace("\n      <address type='pci' slot='0x01'/>", "")
    editor, found = _editor()
    editor.remove(found["input"])
    assert editor.text() == TEXT.replace("<input type='tablet'/>", "")


def test_an_edit_inside_what_is_removed_is_void() -> None:
    """Removing a device makes a change of its child pointless, not wrong."""
    editor, found = _editor()
    editor.set(found["address"], "slot", "0x02")
    editor.remove(found["disk"])
    text = editor.text()
    assert "<disk type" not in text
    assert "0x02" not in text
    assert text.count("\n") == TEXT.count("\n") - 3


def test_children_are_appended_in_order() -> None:
    """New children come after the old, indented alike, in the order given."""
    editor, found = _editor()
    editor.append(found["devices"], "<a/>")
    editor.append(found["devices"], "<b/>")
    assert "<input type='tablet'/><a/><b/>\n  </devices>" in editor.text()
    editor, found = _editor()
    editor.append(found["disk"], "<a/>")
    assert "<address type='pci' slot='0x01'/>\n      <a/>\n    </disk>" in editor.text()
    editor, found = _editor()
    editor.append(found["rng"], "<a/>")
    assert '<rng model = "virtio"><a/></rng>' in editor.text()


def test_no_edit_no_change() -> None:
    """Without an edit the text is the same."""
    assert _editor()[0].text() == TEXT


def test_a_child_is_appended_after_a_removed_one() -> None:
    """Removing the last child does not remove what is appended behind it."""
    editor, found = _editor()
    editor.remove(found["address"])
    editor.append(found["disk"], "<a/>")
    assert "   >\n      <a/>\n    </disk>" in editor.text()
