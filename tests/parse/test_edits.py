"""Edits to the text of a domain: what is edited is right, and every other character is as it was."""

from __future__ import annotations

import pytest

from virtkit import read, resolve
from virtkit.domain.address import PciAddress
from virtkit.domain.editor import escape, new_element, rewritten
from virtkit.domain.edits import AppendChild, Edit, RemoveChild, SetAddress, SetAttribute, SetText, UnsetAttribute
from virtkit.domain.source_map import source_map

AT = PciAddress(0, 1, 2, 0)
ADDRESS = "<address type='pci' domain='0x0000' bus='0x01' slot='0x02' function='0x0'/>"


@pytest.mark.parametrize(
    ("text", "edits", "expected"),
    [
        ("<a b='1' c=\"2\"/>", [SetAttribute("", "c", "3")], "<a b='1' c=\"3\"/>"),
        ("<a b=' c=&quot;2&quot; ' />", [SetAttribute("", "c", "3")], "<a b=' c=&quot;2&quot; ' c='3' />"),
        ("<a b=\" c='2' \"/>", [SetAttribute("", "c", "3")], "<a b=\" c='2' \" c='3'/>"),
        ("<a b='x&amp;y'/>", [SetAttribute("", "c", "<'>")], "<a b='x&amp;y' c='&lt;&apos;&gt;'/>"),
        ("<a  b='1'  c='2'/>", [UnsetAttribute("", "b")], "<a  c='2'/>"),
        ("<a><t p='1'/></a>", [UnsetAttribute("t", "p")], "<a><t/></a>"),
        ("<a b='1'/>", [UnsetAttribute("", "b"), SetAttribute("", "b", "2")], "<a b='2'/>"),
        ("<a><t p='1'/></a>", [UnsetAttribute("t", "p"), SetAttribute("t", "p", "2")], "<a><t p='2'/></a>"),
        ("<a b='1'/>", [SetAttribute("", "b", "2"), UnsetAttribute("", "b")], "<a/>"),
        ("<a><!-- <t/> --><t/></a>", [SetAttribute("t", "p", "1")], "<a><!-- <t/> --><t p='1'/></a>"),
        ("<a><![CDATA[<t/>]]><t/></a>", [RemoveChild("t")], "<a><![CDATA[<t/>]]></a>"),
        ("<a/>", [SetAttribute("t/m", "n", "1")], "<a>\n  <t>\n    <m n='1'/>\n  </t>\n</a>"),
        ("<a/>", [SetText("s", "x<y")], "<a>\n  <s>x&lt;y</s>\n</a>"),
        ("<a>\n  <t/>\n</a>", [AppendChild("<u/>")], "<a>\n  <t/>\n  <u/>\n</a>"),
        ("<a/>", [SetAddress(AT)], f"<a>\n  {ADDRESS}\n</a>"),
        ("<a><address type='usb' bus='0'/></a>", [SetAddress(AT)], f"<a>{ADDRESS}</a>"),
        (
            "<a><address\n type='pci' slot='0x9' x='y'/></a>",
            [SetAddress(AT)],
            "<a><address\n type='pci' slot='0x02' x='y' domain='0x0000' bus='0x01' function='0x0'/></a>",
        ),
    ],
)
def test_an_edit_touches_nothing_else(text: str, edits: list[Edit], expected: str) -> None:
    """Quotes, blanks, entities, comments and CDATA sections around an edit stay as they are."""
    assert rewritten(text, source_map(text), edits, "\n") == expected


def test_a_new_element_is_built_from_edits() -> None:
    """Its attributes, its children in the order in which they are named, and its address last."""
    edits: list[Edit] = [SetAddress(AT), *(SetAttribute(*words) for words in (("", "b", "1"), ("t", "c", "2")))]
    assert new_element("a", edits, "\n") == f"<a b='1'>\n  <t c='2'/>\n  {ADDRESS}\n</a>"


def test_escaped_text_suits_both_quotes() -> None:
    """A value between single or double quotes cannot end its attribute."""
    assert escape("a&b<c>'\"") == "a&amp;b&lt;c&gt;&apos;&quot;"


def test_lines_end_as_they_did() -> None:
    """What is added to a text with CRLF line ends has them, too."""
    text = (
        "<domain type='kvm'>\r\n  <name>x</name>\r\n  <os><type arch='x86_64' machine='q35'>hvm</type></os>\r\n"
        "  <devices>\r\n    <video/>\r\n  </devices>\r\n</domain>\r\n"
    )
    resolved = resolve(read(text.encode())).xml()
    assert resolved.count("\n") > text.count("\n")
    assert resolved.count("\n") == resolved.count("\r\n")
