"""YAML that users write is bounded: policies and parameters that are too large cost little and say what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from virtkit import limits
from virtkit.errors import UsageError
from virtkit.policy import document
from virtkit.reporting import parameters
from virtkit.yaml_text import node, value

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
SIZE = 1 << 20


def bomb(begin: str, inner: str) -> str:
    """Twelve levels, each of which repeats the one before nine times."""
    lines = [f"k0: &k0 {begin}", *(f"k{i}: &k{i} {inner % ','.join([f'*k{i - 1}'] * 9)}" for i in range(1, 12))]
    return "\n".join(lines)


#: A text that is beyond a limit, with that limit.
BEYOND = {
    "lists": ("a: " + "[" * (SIZE - 3), limits.YAML_DEPTH),
    "dashes": ("a:\n" + "- " * (SIZE // 2 - 2), limits.YAML_DEPTH),
    "mappings": ("{a: " * (SIZE // 4), limits.YAML_DEPTH),
    "chain": (
        "\n".join(f"k{i}: &k{i} [{f'*k{i - 1}' if i else 'x'}]" for i in range(limits.YAML_DEPTH.most + 5)),
        limits.YAML_DEPTH,
    ),
    "values": ("a: [" + "b," * (SIZE // 2 - 8) + "]", limits.YAML_VALUES),
    "empty keys": ("{" + "? ," * (SIZE // 3 - 8) + "}", limits.YAML_VALUES),
    "aliases": (bomb("[1, 2]", "[%s]"), limits.YAML_VALUES),
    "merge keys": (bomb("{a: 1, b: 2}", "{<<: [%s]}"), limits.YAML_VALUES),
    "size": ("#" * (SIZE + 1), limits.YAML_BYTES),
}


@pytest.mark.parametrize("name", BEYOND)
def test_parameters_beyond_a_limit_are_refused(name: str, tmp_path: Path) -> None:
    """The message names the file, the limit and the variable that raises it, after less than a second of work."""
    text, limit = BEYOND[name]
    file = tmp_path / "p.yaml"
    file.write_text(text)
    begun = time.process_time()
    with pytest.raises(UsageError, match=rf"p\.yaml:.*{limit.size}.*{limit.variable} raises") as refused:
        parameters.read(file)
    assert time.process_time() - begun < 1, name
    assert len(str(refused.value).replace(str(tmp_path), "")) < 200


@pytest.mark.parametrize("name", [name for name in BEYOND if name not in ("chain", "aliases", "merge keys")])
def test_a_policy_beyond_a_limit_is_refused(name: str, tmp_path: Path) -> None:
    """A policy has the same limits and messages as the parameters."""
    text, limit = BEYOND[name]
    file = tmp_path / "p.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=rf"p\.yaml:.*{limit.size}.*{limit.variable} raises"):
        document.load(str(file))


@pytest.mark.parametrize("levels", [limits.YAML_DEPTH.most + 1, 200_000])
def test_deep_json_is_refused_with_the_same_words(levels: int, tmp_path: Path) -> None:
    """Parameters in JSON have the limit of levels, too."""
    file = tmp_path / "p.json"
    file.write_text("[" * levels + "]" * levels)
    with pytest.raises(UsageError, match=r"p\.json: more than 100 levels .*VIRTKIT_MAX_YAML_DEPTH raises"):
        parameters.read(file)


def test_within_the_limits_all_is_read() -> None:
    """The greatest depth and number of values are read, and aliases and merge keys mean what they mean in YAML."""
    deep = limits.YAML_DEPTH.most
    text = "[" * deep + "]" * deep
    assert str(value(text, "p.yaml")) == text
    assert len(value("[" + "a," * (limits.YAML_VALUES.most - 1) + "]", "p.yaml")) == limits.YAML_VALUES.most - 1
    assert value("a: &a {x: 1}\nb: {<<: *a, y: *a}", "p.yaml") == {"a": {"x": 1}, "b": {"x": 1, "y": {"x": 1}}}
    assert node("", "p.yaml") is None
    assert value("# nothing", "p.yaml") is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "number", "text"),
    [("DEPTH", "200", "[" * 150 + "]" * 150), ("VALUES", "1M", "[" + "a," * 150_000 + "]")],
)
def test_the_variable_raises_the_limit(variable: str, number: str, text: str, tmp_path: Path) -> None:
    """With the variable that the message names, the same text is read."""
    file = tmp_path / "p.yaml"
    file.write_text(text)
    code = f"from virtkit import yaml_text as y; y.value(y.text_of({str(file)!r}), 'p.yaml')"
    for name, expected in ((f"VIRTKIT_MAX_YAML_{variable}", 0), ("VIRTKIT_MAX_NOTHING", 1)):
        environment = {**os.environ, name: number}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, cwd=ROOT)
        assert done.returncode == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", r"p\.yaml:3: the key 'a' is there twice"),
        ("a: 1\nb: 2020-13-45", r"p\.yaml:2: expected a date that exists, got '2020-13-45'"),
        ("a: !!bool x", r"p\.yaml:1: expected true or false, got 'x'"),
        ("a: !!int x", r"p\.yaml:1: expected a whole number"),
        ("a: !!timestamp x", r"p\.yaml:1: expected a date that exists, got 'x'"),
        ("a: " + "9" * 5000, r"p\.yaml:1: expected a whole number of at most 4,300 digits, got '9{60}'"),
        ("a: &a [*a]", r"p\.yaml:1: an alias without an anchor before it"),
        ("a: *b", r"p\.yaml:1: an alias without an anchor before it; a text that begins with \* needs quotes"),
        ("a: 1\n---\nb: 2", r"p\.yaml:2: not valid YAML: expected a single document in the stream, but found another"),
        ("a: !!python/object:os.system x", r"p\.yaml:1: not valid YAML: could not determine a constructor"),
        ("? [a]\n: b", r"p\.yaml:1: not valid YAML: found unhashable key"),
        ("a: [", r"p\.yaml:\d: not valid YAML: "),
        ('a: "\0"', r"p\.yaml: not valid YAML: unacceptable character"),
    ],
)
def test_wrong_values_are_explained(text: str, message: str) -> None:
    """The message has the file, the line and what is wrong; PyYAML itself would keep the last of two equal keys."""
    with pytest.raises(UsageError, match=message):
        value(text, "p.yaml")


@pytest.mark.parametrize("read", [lambda file: parameters.read(file), lambda file: document.load(str(file))])
def test_a_byte_order_mark_is_passed_over(read: Callable[[Path], object], tmp_path: Path) -> None:
    """A file that Windows saved is read as any other; one that is not UTF-8 is refused with its name."""
    file = tmp_path / "p.yaml"
    text = "name: x\ntitle: x\nsources: [x]\nrules: [{machine: pc, reason: x}]\n"
    file.write_text(text, encoding="utf-8-sig")
    assert read(file)
    file.write_bytes(b"a: \xff")
    with pytest.raises(UsageError, match=r"p\.yaml: expected UTF-8 text, got the byte 0xff"):
        read(file)


def test_json_with_a_key_twice_is_refused(tmp_path: Path) -> None:
    """Parameters in JSON name the key that is there twice, and the line of an error."""
    file = tmp_path / "p.json"
    file.write_text('{"a": {"b": 1, "b": 2}}')
    with pytest.raises(UsageError, match=r"p\.json: the key 'b' is there twice"):
        parameters.read(file)
    file.write_text('{"a":\n')
    with pytest.raises(UsageError, match=r"p\.json:2: not valid JSON: Expecting value"):
        parameters.read(file)
