"""The matrices of the notebook on what happens from power-on to a login."""

from __future__ import annotations

from virtkit.boot.survey import firmware_table, kernel_table
from virtkit.notebook.power_tables import firmware_matrix, kernel_matrix, lacking_drivers


def test_firmware_matrix() -> None:
    """Each interface has a row of its own, and the tip of each cell gives the reason and the evidence."""
    rows = [row for row in firmware_table() if row["firmware"] == "OVMF" and row["machine"] == "q35"]
    html = firmware_matrix(rows)._repr_html_()
    assert html.count("<tr>") == 1 + len({row["interface"] for row in rows})
    assert html.count('title="') == len(rows)
    assert "first of 10 root-port" in html
    assert "not-found" in html
    assert "OVMF drives its legacy interface only; observed: OVMF 2022.11" in html


def test_kernel_matrix() -> None:
    """Each kernel has a row with its package, and the tip of a cell gives the option or module that decides."""
    rows = [row for row in kernel_table() if row["kernel"] in ("debian12:cloud-amd64", "debian13:installer-amd64")]
    html = kernel_matrix(rows)._repr_html_()
    assert html.count("<tr>") == 3
    assert "without CONFIG_DRM_VIRTIO_GPU" in html or "CONFIG_DRM_VIRTIO_GPU=n" in html


def test_a_kernel_that_lacks_drivers_has_one_row_with_all_that_is_missing() -> None:
    """The cloud kernel of Debian 12 has one row, which names its package once."""
    (row,) = [row for row in lacking_drivers(kernel_table()) if row["kernel"] == "debian12:cloud-amd64"]
    assert row["kinds"] == "9p, gpu"
    assert row["missing"] == "without CONFIG_9P_FS, without CONFIG_NET_9P_VIRTIO; without CONFIG_DRM_VIRTIO_GPU"
    assert row["package"].startswith("linux-image-")
