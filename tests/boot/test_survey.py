"""What the firmware starts in each domain of a folder."""

from __future__ import annotations

from virtkit import facts
from virtkit.boot.survey import power_survey
from virtkit.inputs import sources_below


def test_a_disk_of_which_no_boot_was_observed_is_unknown() -> None:
    """It counts neither as found nor as lost, and SATA and IDE disks are called by their names."""
    found = power_survey(sources_below(facts.path("domains")))
    ok = {row["file"]: row["ok"] for row in found.boots}
    assert ok.pop("unknown-nic-model") == "unknown"
    assert set(ok.values()) == {"yes"}
    assert found.answer()[:2] == [
        f"The firmware finds the boot disk of {len(ok)} of {len(found.boots)} domains.",
        "It is not known whether it finds that of: unknown-nic-model.",
    ]
    reasons = {row["file"]: row["reason"] for row in found.boots}
    assert reasons["win10-q35"] == "SeaBIOS drives SATA disks"
    assert reasons["winxp-pc"] == "SeaBIOS drives IDE disks"
