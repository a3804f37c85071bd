"""Agreement with libvirt's and QEMU's answers, by the corpus' own scorers; skipped where it is not at hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.corpora import CORPORA, linked
from tests.waiting import HANGING
from tests.writing import RELEASES, host
from virtkit import read, resolve
from virtkit.cli import main
from virtkit.errors import VirtkitError
from virtkit.qemu_args import text
from virtkit.releases import SUPPORTED, dotted

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif(not CORPORA.is_dir(), reason="the conformance corpora are not at hand"),
]

# Shares in percent: exact, exact+, full, refusals right (None: nothing is promised).
PROMISED: dict[str, tuple[float, float, float, float | None]] = {
    "libvirt-suite": (99.0, 98.0, 97.0, 95.0),
    "generated": (99.0, 99.0, 98.0, 98.0),
    "libvirt-derived": (99.5, 99.0, 98.0, None),
    "single-device": (99.5, 99.5, 98.0, 97.0),
}
ARGUMENTS = 99.0
#: libvirt 7.0 forgets the addresses of interfaces in domxml-to-native, so its argument lists cannot all be equal.
FORGETFUL = {"7.0": 96.0}


def answer(cases: Path, out: Path, release: str) -> int:
    """Resolve every input of a corpus into ``out``. Returns how many there were; anything but a VirtkitError fails."""
    count = 0
    for path in sorted(cases.glob("*.in.xml")):
        name = path.name.removesuffix(".in.xml")
        count += 1
        try:
            result = resolve(read(path), host(release))
            (out / f"{name}.xml").write_text(result.xml(), encoding="utf-8")
            (out / f"{name}.args").write_text(text(result), encoding="utf-8")
        except VirtkitError as error:
            (out / f"{name}.error").write_text(f"{error}\n", encoding="utf-8")
    return count


def score(scorer: str, *args: Path | str, out: Path) -> dict[str, Any]:
    """The summary a scorer writes."""
    found = out / "score.json"
    command = [sys.executable, str(CORPORA / scorer), *map(str, args), "--json", str(found), "-n", "0"]
    subprocess.run(command, check=True, capture_output=True, timeout=HANGING)
    summary: dict[str, Any] = json.loads(found.read_text(encoding="utf-8"))
    return summary


@pytest.mark.parametrize(
    ("release", "name"),
    [
        (release, name)
        for release in map(dotted, SUPPORTED)
        for name in PROMISED
        if release in RELEASES or (CORPORA / f"libvirt-{release}" / name).is_dir()
    ],
)
def test_resolution_agrees_with_libvirt(name: str, release: str, tmp_path: Path, whole: bool) -> None:
    """Controllers, models, addresses, refusals and -device arguments, to the shares that are promised."""
    cases = linked(CORPORA / f"libvirt-{release}" / name, tmp_path / "cases", whole)
    assert answer(cases, tmp_path, release) > 20
    found = score("score_resolve.py", cases, tmp_path, out=tmp_path)["summary"]
    exact, exact_plus, full, refused = PROMISED[name]
    for key, least in (("exact", exact), ("exact_plus", exact_plus), ("full", full)):
        assert 100 * found[key] / found["cases"] >= least, (key, found)
    if refused is not None and found["refusals"]:
        assert 100 * found["refusals_right"] / found["refusals"] >= refused, found
    if any(cases.glob("*.args")):
        shown = score("score_args.py", cases, tmp_path, out=tmp_path)["summary"]
        least = FORGETFUL.get(release, ARGUMENTS)
        assert 100 * shown["exact"] / shown["cases"] >= least, shown


def test_older_expectations_crash_nothing(tmp_path: Path, whole: bool) -> None:
    """libvirt 6.5's own test inputs: another libvirt, so no share is promised, but each is accepted or refused."""
    cases = linked(CORPORA / "libvirt-6.5", tmp_path / "cases", whole)
    for release in RELEASES:
        assert answer(cases, tmp_path, release) > 20


def test_interfaces_agree_with_qemu(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every row of the sample, refusals included."""
    folder = CORPORA / "qemu-interface"
    answers = tmp_path / "answers.csv"
    main(["interface", str(folder / "sample.csv"), "-o", str(answers)])
    command = [sys.executable, str(folder / "score_interface.py"), str(answers), "--fail-under", "100", "-n", "0"]
    done = subprocess.run(command, capture_output=True, timeout=HANGING, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode() + capsys.readouterr().err
