"""Policies as YAML: the shipped ones are whole, wrong ones are explained with their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from virtkit import facts
from virtkit.errors import UsageError
from virtkit.guests import find
from virtkit.policy import document
from virtkit.policy.decide import decide, decide_machine
from virtkit.policy.lint import lint, remarks

HEAD = "name: x\ntitle: x\nsources: [x]\nrules:\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", document.names())
def test_shipped_policies_are_whole(name: str) -> None:
    """Each has its own name, a source, a default for every subject, and no rule without effect."""
    policy = document.builtin(name)
    assert policy.name == name
    assert lint(policy) == ()
    assert not [text for text in remarks(policy) if "no guest" in text]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty; expected a policy with name"),
        ("a: [", "not valid YAML"),
        ("- a", "x.yaml:1: a policy: expected a mapping"),
        ("name: x\nrules: []\n", "a policy needs 'title'"),
        (HEAD + "- machine: pc\n  reasons: x\n", r"x.yaml:6: unknown key 'reasons' in a rule"),
        (HEAD + "- machine: pc\n", "x.yaml:5: a rule needs a reason"),
        (HEAD + "- kinds: [net]\n  reason: x\n", "expected exactly one of machine, model, device, finding, got 0"),
        (HEAD + "- kinds: [disk]\n  model: virtio\n  reason: x\n", "x.yaml:5: kinds: expected one of .*, got 'disk'"),
        (HEAD + "- kinds: [net]\n  model: virtio2\n  reason: x\n", "model: expected one of .*, got 'virtio2'"),
        (HEAD + "- kinds: [net]\n  finding: no\n  reason: x\n", "finding: expected one of .*, got 'no'"),
        (HEAD + "- model: virtio\n  reason: x\n", "a rule on devices needs 'kinds'"),
        (HEAD + "- machine: pc\n  when: {os: x}\n  reason: x\n", "unknown key 'os' in 'when'"),
        (HEAD + "- machine: pc\n  when: {q35: maybe}\n  reason: x\n", "q35: expected true or false"),
        (HEAD + "- machine: pc\n  when: {version: 7}\n  reason: x\n", "version: expected a comparison .*, got '7'"),
        (HEAD + "- machine: pc\n  when: {legacy: [disk]}\n  reason: x\n", "legacy: expected one of .*, got 'disk'"),
        ("name: x\nname: y\n", "a policy has the key 'name' twice"),
        (
            HEAD.replace("name: x", "name: ../x") + "- machine: pc\n  reason: x\n",
            r"x.yaml:1: name: expected letters, .*, got '\.\./x'",
        ),
        (HEAD + "- machine: pc\n  when: &a {not: *a}\n  reason: x\n", "x.yaml:6: not valid YAML: aliases are not"),
        (HEAD + "- machine: pc\n  when: {[q35]: x}\n  reason: x\n", "x.yaml:6: 'when': expected a word as the key"),
        ("a: " + "[" * 5000, "x.yaml:1: not valid YAML: expected at most 20 levels"),
        (HEAD + "- kinds: [net]\n  device: rtl8193\n  reason: x\n", "x.yaml:6: device for net: expected .*rtl8139"),
        (HEAD + "- kinds: [net]\n  device: virtio\n  reason: x\n", "device for net: expected one of .*, got 'virtio'"),
        (HEAD + "- kinds: [rng]\n  device: e1000\n  reason: x\n", "no emulated device can replace virtio for rng"),
        ("name: {}\ntitle: x\nsources: [x]\nrules: [{machine: pc, reason: x}]\n", "name: expected text"),
    ],
)
def test_wrong_policies_are_explained(text: str, message: str) -> None:
    """The error names the file, the line, and what is expected."""
    with pytest.raises(UsageError, match=message):
        document.parse(text, "x.yaml")


def test_policies_show_themselves() -> None:
    """In a notebook a policy is a table, its text escaped."""
    text = HEAD.replace("title: x", "title: <b>") + "- machine: pc\n  when: {q35: true}\n  reason: x\n"
    shown = document.parse(text, "x.yaml")._repr_html_()
    assert "&lt;b&gt;" in shown
    assert "q35 true" in shown


def test_unknown_names() -> None:
    """An unknown policy is refused with the shipped ones; a missing file with its name."""
    with pytest.raises(UsageError, match=r"expected one of .*virt-install"):
        document.load("nonesuch")
    with pytest.raises(UsageError, match=r"nonesuch\.yaml: cannot be read"):
        document.load("nonesuch.yaml")


@pytest.mark.parametrize(
    ("policy", "guest", "machine", "decisions"),
    [
        ("virt-install", "rhel6.10", "pc", {"block": "virtio", "net": "virtio", "vsock": "none"}),
        ("virt-v2v", "rhel6.10", "q35", {"block": "virtio-transitional", "net": "virtio-transitional"}),
        ("virt-v2v", "fedora42", "q35", {"block": "virtio"}),
        ("virt-v2v", "win10", "q35", {"block": "virtio"}),
        ("kubevirt", "rhel6.10", "q35", {"block": "virtio-non-transitional", "vsock": "virtio-non-transitional"}),
        (
            "kubevirt-transitional",
            "rhel6.10",
            "q35",
            {"block": "virtio-transitional", "vsock": "virtio-non-transitional", "gpu": "virtio"},
        ),
        ("nova", "fedora42", "pc", {"net": "e1000e", "block": "virtio"}),
        ("ovirt", "rhel6.10", "q35", {"net": "virtio-transitional"}),
        ("ovirt", "rhel7.9", "q35", {"net": "virtio"}),
        ("proxmox", "rhel6.10", "pc", {"net": "virtio"}),
        ("libvirt", "rhel6.10", "pc", {"net": "virtio"}),
        ("virt-install", "winxp", "pc", {"block": "ide", "gpu": "qxl"}),
        ("virt-install", "win10", "q35", {"block": "sata", "net": "e1000e"}),
        ("recommended", "rhel6.10", "pc", {"block": "virtio", "rng": "virtio"}),
    ],
)
def test_documented_decisions(policy: str, guest: str, machine: str, decisions: dict[str, str]) -> None:
    """What each program is documented to do."""
    chosen = document.builtin(policy)
    who = find(guest)
    assert decide_machine(chosen, who).value == machine
    assert {kind: decide(chosen, who, machine, kind).value for kind in decisions} == decisions


@pytest.mark.parametrize("name", document.names())
def test_vsock_is_never_transitional(name: str) -> None:
    """QEMU has no transitional vhost-vsock, so no policy asks for one."""
    policy = document.builtin(name)
    for guest in ("rhel6.10", "fedora42", "win10", "unknown"):
        for machine in ("pc", "q35"):
            assert decide(policy, find(guest), machine, "vsock").value != "virtio-transitional"


def test_large_files_are_refused(tmp_path: Path) -> None:
    """A file is read whole or not at all."""
    file = tmp_path / "x.yaml"
    file.write_text(HEAD + "- machine: pc\n  reason: x\n" + "#" * (1 << 20))
    with pytest.raises(UsageError, match="expected at most 1,048,576 characters"):
        document.load(str(file))


def test_policies_are_selected_by_list(tmp_path: Path) -> None:
    """No list means all that are shipped; a baseline is added once; two files with one name are refused."""
    assert [policy.name for policy in document.select("")] == list(document.names())
    assert [policy.name for policy in document.select("virt-v2v, nova", "libvirt")] == ["virt-v2v", "nova", "libvirt"]
    assert [policy.name for policy in document.select("nova,libvirt,nova", "libvirt")] == ["nova", "libvirt"]
    own = tmp_path / "own.yaml"
    own.write_text(facts.path("policies/nova.yaml").read_text())
    with pytest.raises(UsageError, match="has the name 'nova' too"):
        document.select(f"nova,{own}")
