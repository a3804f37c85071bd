"""The fuzzer itself: its targets read their seeds, the same seed gives the same inputs, and a finding is not missed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from fuzzing.__main__ import main
from fuzzing.attempt import attempt
from fuzzing.minimise import smaller
from fuzzing.targets import TARGETS, Target
from virtkit.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_a_target_takes_its_seeds_and_mutations_of_them(name: str) -> None:
    """Each seed and 20 mutations are read or refused as they should be, and some of the seeds are read."""
    target = TARGETS[name]
    seeds = target.seeds()[:12]
    mutate = target.mutator(target.seeds())
    random = Random(7)
    assert mutate(seeds[0], Random(3)) == mutate(seeds[0], Random(3))
    found = [attempt(target, data) for data in seeds]
    found += [attempt(target, mutate(random.choice(seeds), random)) for _ in range(20)]
    assert [one.text for one in found if one.result == "found" and one.key != "slow"] == []
    assert "read" in {one.result for one in found}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two short runs count the same; nothing is found, and the exit code is 0."""
    words = ["device-xml", "short-forms", "--runs", "400", "--way", "0", "--engine", "lines"]
    counts = []
    for name in ("first", "second"):
        assert main([*words, "--output", str(tmp_path / name)]) == 0
        text = (tmp_path / name / "device-xml" / "lines" / "counts.json").read_text()
        counts.append(json.loads(text)["results"])
    assert counts[0] == counts[1]
    assert re.search(r"^401 inputs in \d+ s, seed 1, engine lines$", capsys.readouterr().out, re.M)


def broken(data: bytes, every: bool) -> bool:
    """A reader with a fault: it does not know a bus."""
    if b"bus='9'" in data:
        raise KeyError("9")
    if b"<" not in data:
        raise InputError("expected XML")
    return True


def test_a_fault_of_a_reader_is_found_and_its_input_made_small() -> None:
    """Another exception than an error of virtkit is a finding; the smallest input has only what the finding needs."""
    target = Target("faulty", 1, ".xml", lambda: [b"<x/>"], lambda seeds: lambda data, random: data, broken)
    assert attempt(target, b"<x/>").result == "read"
    assert attempt(target, b"x").result == "refused"
    data = b"<!-- a -->\n<x>\n<y a='1'/>\n" + b"<z bus='9'/>\n</x>\n" + b"<!-- b -->\n" * 40
    found = attempt(target, data)
    assert (found.result, found.key) == ("found", "KeyError outside")
    assert smaller(target, data, found.key) == b"bus='9'"


def test_the_message_of_an_error_is_one_line() -> None:
    """An error whose message has several lines is a finding."""

    class Several(InputError):
        def __str__(self) -> str:
            return "a\nb"

    def take(data: bytes, every: bool) -> bool:
        raise Several("x")

    target = Target("lines", 1, ".txt", lambda: [b"x"], lambda seeds: lambda data, random: data, take)
    assert attempt(target, b"x").key.startswith("a message of several lines")


@pytest.mark.slow
def test_a_file_is_given_to_its_target_again(tmp_path: Path) -> None:
    """--replay takes the target from the name of the file, and says what came of it."""
    file = tmp_path / "way-domain-xml-0.xml"
    file.write_text("<domain type='kvm'><os><type>hvm</type></os></domain>")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "fuzzing", "--replay", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("way-domain-xml: read in ")
