"""Engines give the same answers, also when a worker is killed in the middle; a missing scheduler is one clear line."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import until
from tests.writing import domain
from virtkit.cli import main
from virtkit.errors import FleetError
from virtkit.fleet.answer import Answer
from virtkit.fleet.audit import audit
from virtkit.fleet.engine import Cluster, Engine, Here, Pool, workers
from virtkit.fleet.question import Question
from virtkit.inputs import InMemory, Source

pytestmark = pytest.mark.system

DOMAINS = 3000


def fleet() -> Iterator[Source]:
    """Domains that differ in their disks, among them broken ones."""
    for number in range(DOMAINS):
        disks = "".join(
            f"<disk type='file'><source file='/{number}'/><target dev='vd{letter}'/></disk>"
            for letter in "abcdefghijkl"[: number % 12 + 1]
        )
        data = b"<domain" if number % 500 == 7 else domain(disks)
        yield InMemory(f"{number}", None, f"{number}.xml", data=data)


def said(answers: Iterator[Answer]) -> list[object]:
    """Everything in answers but how many were shared, which depends on who examined what."""
    return [(one.accepted, one.refused, one.skipped, one.inputs) for one in answers]


@pytest.fixture(scope="module")
def expected() -> list[object]:
    return said(audit(fleet(), Question(), Here()))


def with_a_loss(engine: Engine, victim: int) -> list[object]:
    """What an engine says when a worker is killed after the first answer."""
    answers = audit(fleet(), Question(), engine)
    first = next(answers)
    os.kill(victim, signal.SIGKILL)
    return said(iter([first, *answers]))


def test_a_killed_process_costs_no_row(expected: list[object]) -> None:
    """A pool starts new processes and examines again what was lost."""
    pool = Pool(2)
    try:
        pids = {pool._executor.submit(os.getpid).result() for _ in range(20)}
        assert with_a_loss(pool, min(pids)) == expected
    finally:
        pool.close()


def test_a_killed_program_leaves_no_process(tmp_path: Path) -> None:
    """When the program is killed outright, the processes of its pool end."""
    program = (
        "import os, time\nfrom virtkit.fleet.engine import Pool\n"
        "if __name__ == '__main__':\n    pool = Pool(2)\n"
        "    print(pool._executor.submit(os.getpid).result(), flush=True)\n    time.sleep(600)\n"
    )
    (tmp_path / "program.py").write_text(program)
    words = [sys.executable, str(tmp_path / "program.py")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        process.kill()
    until(lambda: ended(worker))


def ended(process: int) -> bool:
    """Whether a process has ended; the system may keep its number until its parent looks."""
    try:
        return ") Z " in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return True


def test_a_killed_dask_worker_costs_no_row(expected: list[object]) -> None:
    """The scheduler gives the batches of a lost worker to the others."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1", silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        pids = client.run(os.getpid)
        assert with_a_loss(Cluster(client), min(pids.values())) == expected


def test_a_scheduler_that_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the address and what to check; nothing is written."""
    pytest.importorskip("distributed")
    monkeypatch.setattr("virtkit.fleet.engine.PATIENCE", "1s")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
    out = tmp_path / "out"
    assert main(["audit", "nowhere", "--scheduler", address, "-o", str(out)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"the Dask scheduler at {address} does not answer" in line
    assert not out.exists()


def test_an_address_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """What is no address is said before anything is read."""
    pytest.importorskip("distributed")
    with pytest.raises(FleetError, match="does not answer"), workers(scheduler="nonsense://x"):
        pass


def test_a_scheduler_without_workers_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """An audit does not wait for workers when none was started; the message says how to start one."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr("virtkit.fleet.engine.PATIENCE", "3s")
    with distributed.LocalCluster(
        n_workers=0, dashboard_address="127.0.0.1:0", host="127.0.0.1", silence_logs=50
    ) as cluster:
        address = cluster.scheduler_address
        expected = f"the Dask scheduler at {address} has no workers; start some: dask worker {address}"
        with pytest.raises(FleetError, match=f"^{expected}$"), workers(scheduler=address):
            pass
