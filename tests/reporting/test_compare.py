"""What changed since the last good run, told in sentences."""

from __future__ import annotations

from pathlib import Path

from virtkit.reporting.compare import TOPOLOGY, differences


def put(run: Path, notebook: str, name: str, text: str) -> None:
    """A table of a notebook of a run."""
    (run / notebook).mkdir(parents=True, exist_ok=True)
    (run / notebook / name).write_text(text)


def test_tables_that_are_new_or_gone(tmp_path: Path) -> None:
    """Notebooks and tables that only one run has are told; a notebook that was not asked for is not."""
    old, new = tmp_path / "old", tmp_path / "new"
    put(old, "a", "old.csv", "x\n1\n")
    put(new, "a", "new.csv", "x\n1\n")
    put(new, "b", "t.csv", "x\n1\n")
    put(old, "c", "t.csv", "x\n1\n")
    assert differences(old, new) == ["a: new table new.csv", "a: table old.csv is no longer there", "b: new notebook"]
    assert differences(old, new, ["b"]) == ["b: new notebook"]


def test_what_was_found_before_comes_first(tmp_path: Path) -> None:
    """A notebook whose answer is another tells the old one, before all tables; counts of rows come last."""
    old, new = tmp_path / "old", tmp_path / "new"
    for run, word in ((old, "works"), (new, "fails")):
        put(run, "t", "answer.txt", f"All {word}.\nMore.\n")
        put(run, "t", "a.csv", f"x\n{word}\n")
        put(run, "t", "d.csv", f"file,verdict\na.xml,{word}\n")
    assert differences(old, new) == [
        "t: it said before: All works.",
        "t: a.xml: works became fails",
        "t: a.csv: 1 row gone or changed, 1 row new or changed",
    ]


def test_cells_that_flipped(tmp_path: Path) -> None:
    """A matrix is told by its cells whose verdict flipped: those alike in one sentence, at most twenty and a count."""
    old, new = tmp_path / "old", tmp_path / "new"
    for run, verdict in ((old, "works"), (new, "fails")):
        rows = "".join(f"rhel{n},net,m{n // 2},virtio,{verdict}\n" for n in range(10, 60))
        put(run, "m", "matrix.csv", f"guest,kind,machine,model,verdict\n{rows}")
    told = differences(old, new)
    assert told[0] == "m: rhel10, rhel11: works became fails for net virtio on m5"
    assert len(told) == 21
    assert told[-1] == "m: and 5 more changes in matrix.csv"


def test_domains_whose_topology_changed(tmp_path: Path) -> None:
    """Each domain whose devices are new, gone, elsewhere or another device is told once."""
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
        "t: a.xml: topology changed: net0 moved from 0000:00:03.0 to 0000:01:00.0; rng0 is new; gone0 is gone",
        "t: b.xml: topology changed: vda was virtio-blk-pci modern and is virtio-blk-pci-transitional transitional",
        "t: c.xml: no longer there",
        "t: d.xml: new domain",
    ]


def test_verdicts_of_domains_and_devices(tmp_path: Path) -> None:
    """A table with a file and a verdict is told by the verdicts that changed."""
    old, new = tmp_path / "old", tmp_path / "new"
    put(old, "t", "domains.csv", 'file,name,verdict\na.xml,"x\ny",works\n')
    put(new, "t", "domains.csv", 'file,name,verdict\na.xml,"x\ny",fails\n')
    assert differences(old, new) == ["t: a.xml: works became fails"]


def test_other_tables_are_counted(tmp_path: Path) -> None:
    """Rows of any other table are counted."""
    old, new = tmp_path / "old", tmp_path / "new"
    put(old, "t", "x.csv", "a\n1\n2\n")
    put(new, "t", "x.csv", "a\n1\n3\n4\n")
    assert differences(old, new) == ["t: x.csv: 1 row gone or changed, 2 rows new or changed"]
