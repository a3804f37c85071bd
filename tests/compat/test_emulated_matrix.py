"""The matrix with the emulated network cards and disk controllers."""

from __future__ import annotations

import pytest

import virtkit as vk
from virtkit.compat.emulated_matrix import EMULATED
from virtkit.compat.matrix import select_models
from virtkit.errors import UsageError


def test_all_models_include_the_emulated_ones() -> None:
    """The word "all" adds a row for each emulated model of a kind, and none for kinds that have no emulated device."""
    frame = vk.matrix("rhel9.2", "pc", "all", "net,block,rng").astype(str)
    found = {kind: set(some["model"]) - set(select_models()) for kind, some in frame.groupby("kind")}
    assert found["rng"] == set()
    assert found["net"] | found["block"] == set(EMULATED)
    assert {"e1000", "vmxnet3"} <= found["net"]
    assert {"ide", "sata", "lsilogic"} <= found["block"]


@pytest.mark.parametrize(
    ("guest", "machine", "model", "verdict", "interface"),
    [
        ("rhel8.4", "pc", "lsilogic", "fails", "emulated"),
        ("rhel8.4", "pc", "e1000", "works", "emulated"),
        ("rhel8.4", "q35", "ide", "fails", "refused"),
        ("debian12", "q35", "sata", "works-with-condition", "emulated"),
        ("win10", "pc", "vmpvscsi", "works-with-condition", "emulated"),
    ],
)
def test_an_emulated_cell(guest: str, machine: str, model: str, verdict: str, interface: str) -> None:
    """A cell says what a check of such a device says, and where the machine refuses it."""
    frame = vk.matrix(guest, machine, model).astype(str)
    (row,) = frame.to_dict("records")
    assert (row["verdict"], row["interface"]) == (verdict, interface)
    assert row["reason"]
    assert row["source"]


def test_rows_keep_the_order_of_guests_and_kinds() -> None:
    """The guest varies slowest, then kind and machine; virtio models come before emulated ones."""
    frame = vk.matrix("rhel9.2,win10", "pc,q35", "virtio,e1000", "net").astype(str)
    assert list(frame["guest"]) == ["rhel9.2"] * 4 + ["win10"] * 4
    assert list(frame["machine"][:4]) == ["pc", "pc", "q35", "q35"]
    assert list(frame["model"][:2]) == ["virtio", "e1000"]


def test_without_a_selection_only_virtio_models_are_shown() -> None:
    """The default matrix has the three virtio models; an unknown model is refused with the known ones."""
    assert set(vk.matrix("rhel9.2", "pc", None, "net")["model"]) == set(select_models())
    with pytest.raises(UsageError, match="no model 'ne2k'"):
        vk.matrix("rhel9.2", "pc", "ne2k", "net")


def test_a_family_refuses_what_each_of_its_machines_refuses() -> None:
    """Each machine type has the emulated verdicts that it has alone, although its family is asked once."""
    names = ("pc-i440fx-6.2", "pc-i440fx-8.2", "pc-q35-6.2", "pc-q35-8.2")
    guests, kinds = "rhel6.10,win10", "net,block"
    together = vk.matrix(guests, ",".join(names), "all", kinds)
    for name in names:
        alone = vk.matrix(guests, name, "all", kinds)
        own = together[together["machine"] == name]
        assert [*own.astype(str).itertuples(index=False)] == [*alone.astype(str).itertuples(index=False)]
