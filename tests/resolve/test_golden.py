"""The shipped domains, resolved: the whole XML and all arguments, kept as files whose changes are read in a diff."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.writing import NEW, OLD, host
from virtkit import facts, read, resolve
from virtkit.qemu_args import text
from virtkit.serialization import explanation

DOMAINS = sorted(facts.path("domains").glob("*.xml"))
OLDER = ("centos7-q35", "gpu-passthrough-explicit", "virt-install-fedora42", "winxp-pc")


def cases() -> list[object]:
    """(file, release): every domain for the current release, some for Debian 12's."""
    found = [(path, NEW) for path in DOMAINS]
    found += [(path, OLD) for path in DOMAINS if path.stem in OLDER]
    return [pytest.param(path, release, id=f"{path.stem}-{release}") for path, release in found]


@pytest.mark.parametrize(("path", "release"), cases())
def test_the_shipped_domains_resolve_as_they_did(path: Path, release: str, golden: Callable[[str, str], None]) -> None:
    """Rewrite the expectation with ``pytest --regenerate`` and read what changed."""
    result = resolve(read(path), host(release))
    golden(f"resolve/{release}/{path.stem}.xml", result.xml())
    golden(f"resolve/{release}/{path.stem}.args", text(result))


def test_reasons_read_as_they_did(golden: Callable[[str, str], None]) -> None:
    """The explanation of a broken RHEL 6 guest made to work, and of one with every address written."""
    for name in ("rhel6-q35-transitional", "gpu-passthrough-explicit"):
        rows = explanation(resolve(read(facts.path(f"domains/{name}.xml")), host()))
        lines = [f"{row['device']}: {row['text']} [{row['rule']}]\n" for row in rows]
        golden(f"resolve/{NEW}/{name}.reasons", "".join(lines))


def test_every_golden_file_is_used() -> None:
    """None outlives its domain."""
    folder = Path(__file__).resolve().parents[1] / "data" / "resolve"
    names = {path.stem for path in DOMAINS}
    assert {path.stem for path in folder.glob("*/*")} <= names
    assert {path.stem for path in folder.glob(f"{NEW}/*.xml")} == names
    assert {path.stem for path in folder.glob(f"{OLD}/*.args")} == set(OLDER)
