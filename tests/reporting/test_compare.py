"""The sentences on what changed since the last good run."""

from __future__ import annotations

from pathlib import Path

from virtkit.reporting.compare import TOPOLOGY, differences


def put(run: Path, notebook: str, name: str, text: str) -> None:
    """Write a table of a notebook of a run."""
    (run / notebook).mkdir(parents=True, exist_ok=True)
    (run / notebook / name).write_text(text)


def test_tables_that_are_new_or_gone(tmp_path: Path) -> None:
    """Notebooks and tables that only one run has are reported, except notebooks that are not compared."""
    old, new = tmp_path / "old", tmp_path / "new"
    put(old, "a", "old.csv", "x\n1\n")
    put(new, "a", "new.csv", "x\n1\n")
    put(new, "b", "t.csv", "x\n1\n")
    put(old, "c", "t.csv", "x\n1\n")
    assert differences(old, new) == ["a: new table new.csv", "a: table old.csv was removed", "b: new notebook"]
    assert differences(old, new, ["b"]) == ["b: new notebook"]


def test_the_previous_answer_comes_first(tmp_path: Path) -> None:
    """When the answer of a notebook changed, the previous one comes before all tables; numbers of rows come last."""
    old, new = tmp_path / "old", tmp_path / "new"
    for run, word in ((old, "works"), (new, "fails")):
        put(run, "t", "answer.txt", f"All {word}.\nMore.\n")
        put(run, "t", "a.csv", f"x\n{word}\n")
        put(run, "t", "d.csv", f"file,verdict\na.xml,{word}\n")
    assert differences(old, new) == [
        "t: previous answer: All works.",
        "t: a.xml: works became fails",
        "t: a.csv: 1 row removed or changed, 1 row added or changed",
    ]


def test_cells_that_flipped(tmp_path: Path) -> None:
    """Cells of a matrix whose verdict flipped alike share a sentence; after twenty sentences comes a number."""
    old, new = tmp_path / "old", tmp_path / "new"
    for run, verdict in ((old, "works"), (new, "fails")):
        rows = "".join(f"rhel{n},net,m{n // 2},virtio,{verdict}\n" for n in range(10, 60))
        put(run, "m", "matrix.csv", f"guest,kind,machine,model,verdict\n{rows}")
    changes = differences(old, new)
    assert changes[0] == "m: rhel10, rhel11: works became fails for net virtio on m5"
    assert len(changes) == 21
    assert changes[-1] == "m: 5 more changes in matrix.csv"


def test_domains_whose_topology_changed(tmp_path: Path) -> None:
    """A domain with devices that were added, removed, moved or changed gets one sentence."""
    old, new = tmp_path / "old", tmp_path / "new"
    head = "file,device,title,driver,address,interface\n"
    put(
        old,
        "t",
        TOPOLOGY,
        head + "a.xml,net0,NIC,virtio-net-pci,0000:00:03.0,transitional\na.xml,gone0,x,x,,\n"
        "b.xml,vda,disk,virtio-blk-pci,0000:01:00.0,modern\nc.xml,vda,disk,x,,\n",
    )
    put(
        new,
        "t",
        TOPOLOGY,
        head + "a.xml,net0,NIC,virtio-net-pci,0000:01:00.0,modern\na.xml,rng0,x,x,,\n"
        "b.xml,vda,disk,virtio-blk-pci-transitional,0000:01:00.0,transitional\nd.xml,vda,disk,x,,\n",
    )
    assert differences(old, new) == [
        "t: a.xml: topology changed: net0 moved from 0000:00:03.0 to 0000:01:00.0; rng0 was added; gone0 was removed",
        "t: b.xml: topology changed: vda changed from virtio-blk-pci modern to virtio-blk-pci-transitional "
        "transitional",
        "t: c.xml: domain removed",
        "t: d.xml: new domain",
    ]


def test_verdicts_of_domains_and_devices(tmp_path: Path) -> None:
    """A table with the columns file and verdict gives the verdicts that changed."""
    old, new = tmp_path / "old", tmp_path / "new"
    put(old, "t", "domains.csv", 'file,name,verdict\na.xml,"x\ny",works\n')
    put(new, "t", "domains.csv", 'file,name,verdict\na.xml,"x\ny",fails\n')
    assert differences(old, new) == ["t: a.xml: works became fails"]


def test_other_tables_are_counted(tmp_path: Path) -> None:
    """Any other table gives the numbers of rows that changed."""
    old, new = tmp_path / "old", tmp_path / "new"
    put(old, "t", "x.csv", "a\n1\n2\n")
    put(new, "t", "x.csv", "a\n1\n3\n4\n")
    assert differences(old, new) == ["t: x.csv: 1 row removed or changed, 2 rows added or changed"]
