"""Kernels of a guest OS: which drivers a flavour or an installer brings."""

from __future__ import annotations

import pytest

import virtkit as vk
from virtkit.errors import GuestError
from virtkit.guests.flavours import flavours, option
from virtkit.guests.hardware import State, driven, hardware
from virtkit.guests.overrides import support


def test_cloud_kernel_lacks_drivers() -> None:
    """The cloud kernel of Debian 12 drives block and input, but neither 9p nor gpu, which the generic one does."""
    cloud, generic = (vk.catalogue().find(f"debian12:{name}") for name in ("cloud", "amd64"))
    for kind in ("block", "input", "fs"):
        assert support(cloud, kind).modern
        assert support(cloud, kind).legacy == (kind == "block")
    for kind in ("9p", "gpu"):
        assert not support(cloud, kind).any
        assert support(generic, kind).modern
    assert "linux-image-6.1.0-50-cloud-amd64 6.1.176-1: without CONFIG_DRM_VIRTIO_GPU" in support(cloud, "gpu").source


def test_cloud_kernel_and_sata() -> None:
    """The cloud kernel of Debian 12 has no AHCI driver, that of Debian 13 has one."""
    sata = hardware()["bus:sata"]
    states = [driven(vk.catalogue().find(name), sata).state for name in ("debian12:cloud", "debian13:cloud")]
    assert states == [State.ABSENT, State.PRESENT]


def test_installer_loads_disk_drivers_later() -> None:
    """The installer drives a virtio disk on the condition that it has a network; vsock it never drives."""
    installer = vk.catalogue().find("debian13:installer")
    found = support(installer, "block")
    assert (found.legacy, found.modern) == (True, True)
    assert "over the network" in found.condition
    assert not support(installer, "vsock").any


def test_flavours_of_architectures() -> None:
    """A flavour can be named with its architecture: the arm64 kernel of Debian 12 has no virtio-iommu option set."""
    assert vk.catalogue().find("debian12:cloud-arm64").flavour == "debian12:cloud-arm64"
    found = option("debian12:cloud-arm64", "VIRTIO_IOMMU")
    assert found is not None
    assert not found.there


def test_flavours_are_selected() -> None:
    """A selection takes flavours beside guests, each as a row of its own."""
    assert [guest.id for guest in vk.catalogue().select("debian12,debian12:cloud,debian12:rt")] == [
        "debian12",
        "debian12:cloud",
        "debian12:rt",
    ]


def test_unknown_flavours() -> None:
    """An unknown flavour is refused with the known ones; so is any flavour of a guest without known kernels."""
    with pytest.raises(GuestError, match=r"no flavour 'tiny' of debian12; known: amd64, cloud, rt,"):
        vk.catalogue().find("debian12:tiny")
    with pytest.raises(GuestError, match=r"no flavour 'cloud' of win10; no kernels of Microsoft Windows 10 are known"):
        vk.catalogue().find("win10:cloud")


def test_every_flavour_belongs_to_a_guest() -> None:
    """Each kernel is of a guest of the database and can be found by its key."""
    for key in flavours():
        assert vk.catalogue().find(key).flavour == key
