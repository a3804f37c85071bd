"""YAML and JSON texts: lines, limits, and what is read beside a document that cannot be read."""

from __future__ import annotations

import pytest

from tests.readers.kubevirt.machines import DISK, NET, instance, parts
from virtkit import resolve
from virtkit.domain.domain import Domain
from virtkit.errors import InputError, Refused
from virtkit.limits import ALIASED, YAML_DEPTH
from virtkit.readers.contract import FoundDomain
from virtkit.readers.kubevirt.documents import Found, Mapping, documents


def read(text: str | bytes) -> list[Found | InputError]:
    return list(documents(text.encode() if isinstance(text, str) else text, "in.yaml"))


def values(text: str | bytes) -> list[object]:
    return [one.value if isinstance(one, Found) else str(one) for one in read(text)]


def test_values_know_their_lines() -> None:
    """Each mapping knows its line and those of its keys, and each item of a list its own."""
    [found] = read("# head\na: 1\nb:\n  - x\n  - c: 2\n")
    assert isinstance(found, Found)
    root = found.value
    assert (root.lines, root["b"].lines, root["b"][1].lines) == ({"a": 2, "b": 3}, [4, 5], {"c": 5})


def test_plain_values_have_types_and_quoted_ones_are_text() -> None:
    """Whole numbers, truth values and null are such only without quotes; leading zeros, versions and sizes are text."""
    [value] = values("[1, '1', -2, true, 'true', null, ~, 1.5, 1Gi, 007, 2024-01-01]")
    assert value == [1, "1", -2, True, "true", None, None, "1.5", "1Gi", "007", "2024-01-01"]


def test_json_is_read_as_yaml() -> None:
    """JSON with tabs and escaped slashes gives the same values."""
    assert values('{\n\t"a": "b\\/c",\n\t"d": [1, {"e": null}]\n}') == [{"a": "b/c", "d": [1, {"e": None}]}]


def test_items_of_a_list_come_one_by_one() -> None:
    """The items of a list of objects come before the list itself, which no longer holds them."""
    found = read("kind: VirtualMachineList\nitems:\n- a: 1\n- b: 2\n")
    assert [(one.value, one.item, one.holder, one.line) for one in found if isinstance(one, Found)] == [
        ({"a": 1}, True, "VirtualMachineList", 3),
        ({"b": 2}, True, "VirtualMachineList", 4),
        ({"kind": "VirtualMachineList", "items": []}, False, "", 1),
    ]


def test_status_and_managed_fields_are_passed_over() -> None:
    """What the cluster writes is not kept, and what follows it is."""
    text = "metadata:\n  managedFields: [{a: {b: [1]}}]\n  name: x\nstatus: {a: [1, {b: 2}]}\nspec: {c: 3}\n"
    assert values(text) == [{"metadata": {"name": "x"}, "spec": {"c": 3}}]


def test_merge_keys_fill_what_is_not_there() -> None:
    """The keys of a merged mapping come in unless the mapping has its own."""
    assert values("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n") == [{"a": {"x": 1, "y": 2}, "b": {"y": 3, "x": 1}}]


BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, f"in.yaml:5: its aliases repeat more than 100,000 values; {ALIASED.remedy}"),
        ("[" * 3_000_000, f"in.yaml:1: nested too deeply; expected at most 100 levels; {YAML_DEPTH.remedy}"),
        ("- " * 100_000 + "x", f"in.yaml:1: nested too deeply; expected at most 100 levels; {YAML_DEPTH.remedy}"),
        ("a: &x {b: *x}", "in.yaml:1: an alias is inside its own anchor"),
        ("a: *x", "in.yaml:1: an alias without an anchor before it; a text that begins with * needs quotes"),
        ("a: 1\na: 2", "in.yaml:2: the key 'a' is there twice"),
        ("? [a]\n: b", "in.yaml:1: a key of a mapping is a list or a mapping; expected text"),
        ("a: b\n c: d", "in.yaml:2: not well-formed YAML: mapping values are not allowed in this context"),
        (b"a: \xff\xfe", "in.yaml:1: not readable as text: invalid leading UTF-8 octet"),
    ],
)
def test_bad_documents_are_one_error_each(text: str | bytes, said: str) -> None:
    """A bomb, a text that is nested too deeply and every other bad text gives one message with its line."""
    assert values(text) == [said]


def test_an_error_does_not_stop_later_documents() -> None:
    """Reading goes on at the next document, whose lines are those of the whole text."""
    found = read("a: 1\n---\nb: [\n---\nc: 3\n---\nd: 1\nd: 2\n---\ne: 5\n")
    assert [one.value if isinstance(one, Found) else one.line for one in found] == [{"a": 1}, 4, {"c": 3}, 8, {"e": 5}]
    assert isinstance(found[2], Found)
    assert isinstance(found[2].value, Mapping)
    assert found[2].value.line == 5


def test_an_error_does_not_quote_the_text_around_it() -> None:
    """The message on a malformed document has no part of the document, which may hold a secret."""
    assert "s3cret" not in str(values("password: s3cret\n  other: s3cret: x\n"))


def test_no_object_is_made_from_a_tag() -> None:
    """A tag of another language's object is plain text."""
    assert values("a: !!python/object:os.system x") == [{"a": "x"}]


def test_utf_16_is_read() -> None:
    """A text in UTF-16 with a byte order mark is read."""
    assert values("a: ä".encode("utf-16")) == [{"a": "ä"}]


@pytest.mark.parametrize("line", [2, 32_000, 32_767, 32_768, 65_536, 1_000_000])
def test_lines_of_long_texts(line: int) -> None:
    """Devices and refusals name their line however far down the machine is."""
    text = "\n" * (line - 2) + "---\n" + instance(f"{DISK}\n{NET}")
    [one] = [part for part in parts(text) if isinstance(part, FoundDomain)]
    lines = {device.kind: device.line for device in resolve(Domain(one.document)).devices if device.element is not None}
    assert (lines["disk"], lines["interface"]) == (line + 8, line + 9)
    broken = text.replace("masquerade: {}", "masquerade: {}, macAddress: zz")
    [other] = [part for part in parts(broken) if isinstance(part, FoundDomain)]
    with pytest.raises(Refused) as refusal:
        resolve(Domain(other.document))
    assert refusal.value.line == line + 9
