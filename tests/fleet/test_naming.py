"""The question whether a disk's model is a value of ``bus`` or an attribute, on a folder of domains."""

from __future__ import annotations

from pathlib import Path

from virtkit.fleet.naming import bus_uses, disks, naming_answer
from virtkit.inputs import sources

DISK = "<disk type='file' device='disk'{model}><source file='/d{n}'/><target dev='vd{n}' bus='virtio'/></disk>"


def _domain(name: str, guest: str, *models: str) -> str:
    parts = "".join(
        DISK.format(model=f" model='{model}'" if model else "", n="abc"[number]) for number, model in enumerate(models)
    )
    return (
        f"<domain type='kvm'><name>{name}</name><memory>1048576</memory><metadata><libosinfo:libosinfo "
        "xmlns:libosinfo='http://libosinfo.org/xmlns/libvirt/domain/1.0'>"
        f"<libosinfo:os id='{guest}'/></libosinfo:libosinfo></metadata>"
        f"<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>{parts}</devices></domain>"
    )


def test_disks_that_need_a_named_model(tmp_path: Path) -> None:
    """A disk that names a model has it; one that fails as plain virtio needs one; one that works needs none."""
    (tmp_path / "a.xml").write_text(_domain("a", "http://redhat.com/rhel/6.10", "", "virtio-transitional"))
    (tmp_path / "b.xml").write_text(_domain("b", "http://fedoraproject.org/fedora/42", ""))
    (tmp_path / "c.xml").write_text("<domain")
    found = disks(sources([str(tmp_path)]))
    rows = [tuple(row) for row in found[["domain", "target", "today", "as_bus", "boots_first"]].itertuples(index=False)]
    assert rows == [
        ("a", "vda", "", "bus='virtio-transitional'", True),
        ("a", "vdb", "virtio-transitional", "bus='virtio-transitional'", False),
        ("b", "vda", "", "", True),
    ]
    uses = bus_uses(found)
    by_use = {(row["use"], row["software"]): (row["disks"], row["domains"]) for row in uses.to_dict("records")}
    assert by_use["hot plug", "libvirt"] == (2, 1)
    assert by_use["boot order", "libvirt"] == (1, 1)
    assert all(uses["source"])
    assert naming_answer(found, uses).startswith("2 of 3 virtio disks, in 1 domain,")


def test_a_folder_without_virtio_disks(tmp_path: Path) -> None:
    """Without virtio disks nothing would change."""
    (tmp_path / "a.xml").write_text(_domain("a", "http://fedoraproject.org/fedora/42"))
    found = disks(sources([str(tmp_path)]))
    assert found.empty
    assert set(bus_uses(found)["disks"]) == {0}
