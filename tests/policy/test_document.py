"""Policies as YAML: the shipped ones are whole, wrong ones are explained with their line."""

from __future__ import annotations

from dataclasses import replace
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
    for release in policy.releases or ("",):
        assert lint(policy.at(release) if release else policy) == ()
    assert not [text for text in remarks(policy) if "no guest" in text]


@pytest.mark.parametrize("name", document.names())
def test_every_rule_cites_its_source(name: str) -> None:
    """A shipped rule about other software has a source of its own, which names a release or revision and a place."""
    policy = document.builtin(name)
    for rule in policy.rules:
        assert rule.source, rule
        if name not in ("recommended", "slot-A", "slot-B", "slot-C"):
            assert rule.source != "; ".join(policy.sources), (rule.file, rule.line)
            assert any(sign.isdigit() for sign in rule.source), rule.source


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty; expected a policy with name"),
        ("a: [", "not valid YAML"),
        ("- a", "x.yaml:1: a policy: expected a mapping"),
        ("name: x\nrules: []\n", "a policy needs 'title'"),
        (HEAD + "- machine: pc\n  reasons: x\n", r"x.yaml:6: unknown key 'reasons' in a rule"),
        (HEAD + "- machine: pc\n", "x.yaml:5: a rule needs a reason"),
        (
            HEAD + "- kinds: [net]\n  reason: x\n",
            "expected exactly one of machine, model, device, ports, finding, got 0",
        ),
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
        (HEAD + "- machine: pc\n  when: &a {not: *a}\n  reason: x\n", "x.yaml:6: aliases are not allowed"),
        (HEAD + "- machine: pc\n  when: {[q35]: x}\n  reason: x\n", "x.yaml:6: 'when': expected a word as the key"),
        ("a: " + "[" * 5000, "x.yaml:1: more than 100 levels of YAML or JSON; .*VIRTKIT_MAX_YAML_DEPTH"),
        (HEAD + "- kinds: [net]\n  device: rtl8193\n  reason: x\n", "x.yaml:6: device for net: expected .*rtl8139"),
        (HEAD + "- kinds: [net]\n  device: virtio\n  reason: x\n", "device for net: expected one of .*, got 'virtio'"),
        (HEAD + "- kinds: [rng]\n  device: e1000\n  reason: x\n", "no emulated device can replace virtio for rng"),
        (HEAD + "- machine: pc\n  since: '1'\n  reason: x\n", "with 'oldest', 'since' or 'until' needs 'version'"),
        (HEAD + "- machine: pc\n  since: new\n  reason: x\n", "since: expected a release such as '1.6', got 'new'"),
        (HEAD + "- ports: many\n  reason: x\n", "ports: expected 'N total', 'N free' or .*, got 'many'"),
        (HEAD + "- kinds: [net]\n  model: none\n  created: always\n  reason: x\n", "expected never, got 'always'"),
        (HEAD + "- kinds: [net]\n  model: virtio\n  created: never\n  reason: x\n", "expected always or on-request"),
        (HEAD.replace("rules", "extends: lxd\nrules") + "- machine: pc\n  reason: x\n", "extends: expected .*incus"),
        (HEAD.replace("rules", "requests: {net: x}\nrules") + "- machine: pc\n  reason: x\n", "kinds of device, got"),
        (HEAD + "- machine: pc\n  when: {firmware: u}\n  reason: x\n", "firmware: expected one of bios, efi, got 'u'"),
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
        ("virt-install", "rhel6.10", "pc", {"block": "virtio", "net": "virtio", "rng": "none"}),
        ("virt-v2v", "rhel6.10", "q35", {"block": "virtio-transitional", "net": "virtio-transitional"}),
        ("virt-v2v", "fedora42", "q35", {"block": "virtio"}),
        ("virt-v2v", "win10", "q35", {"block": "virtio"}),
        (
            "kubevirt",
            "rhel6.10",
            "q35",
            {"block": "sata", "net": "virtio-non-transitional", "vsock": "virtio-non-transitional"},
        ),
        (
            "kubevirt-transitional",
            "rhel6.10",
            "q35",
            {"net": "virtio-transitional", "vsock": "virtio-non-transitional", "gpu": "vga"},
        ),
        ("nova", "win10", "pc", {"net": "e1000", "block": "virtio"}),
        ("ovirt", "rhel6.10", "q35", {"net": "virtio-transitional"}),
        ("ovirt", "rhel7.9", "q35", {"net": "virtio"}),
        ("proxmox", "rhel6.10", "pc", {"net": "virtio"}),
        ("libvirt", "rhel6.10", "pc", {"net": "virtio"}),
        ("virt-install", "winxp", "pc", {"block": "ide", "gpu": "qxl"}),
        ("virt-install", "win10", "q35", {"block": "sata", "net": "e1000e"}),
        ("recommended", "rhel6.10", "q35", {"block": "virtio-transitional", "rng": "virtio"}),
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
    with pytest.raises(UsageError, match=r"larger than 1 MiB, .*VIRTKIT_MAX_YAML_BYTES"):
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


def test_releases() -> None:
    """A policy of a release has the rules of that release only, and a release that was not read is refused."""
    old, new = document.load("kubevirt@1.5"), document.load("kubevirt@1.9")
    assert [rule.value for rule in old.about["ports"]][1:] == ["3 free"]
    assert [rule.value for rule in new.about["ports"]][1:] == ["16 total, 6 free", "8 total, 3 free"]
    assert document.load("kubevirt").about == new.about
    assert document.load("kubevirt").releases == ("1.5", "1.6", "1.8", "1.9")
    for patch in ("kubevirt@1.9.2", "kubevirt@v1.9"):
        assert document.load(patch).about == new.about
    for name, message in (
        ("kubevirt@2.0", "expected a release from 1.5 to 1.9, got '2.0'"),
        ("kubevirt@latest", "expected a release from 1.5 to 1.9, got 'latest'"),
        ("kubevirt@", "expected a release from 1.5 to 1.9, got ''"),
        ("nova@1", "policy nova: expected release 33.0, got '1'"),
        ("slot-A@1.0", "policy slot-A does not follow the releases of a program; leave out"),
    ):
        with pytest.raises(UsageError, match=message):
            document.load(name)


def test_a_policy_extends_another() -> None:
    """The rules of the other policy follow the own ones, which win; slots and requests are inherited."""
    harvester, kubevirt = document.builtin("harvester"), document.builtin("kubevirt")
    assert harvester.rules[len(harvester.rules) - len(kubevirt.current) :] == tuple(
        replace(rule, since="", until="") for rule in kubevirt.current
    )
    guest = find("fedora42")
    assert decide(harvester, guest, "q35", "block").value == "virtio-non-transitional"
    assert decide(kubevirt, guest, "q35", "block").value == "sata"
    assert harvester.requests == kubevirt.requests
