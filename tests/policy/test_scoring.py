"""The recommended policy compared with every other one by the scoring criteria of docs/policies.md."""

from __future__ import annotations

import pandas as pd
import pytest

from virtkit.compat.prober import Prober
from virtkit.compat.verdict import Verdict, judge
from virtkit.guests import KINDS, catalogue
from virtkit.guests.overrides import support
from virtkit.host import Host
from virtkit.policy import comparison, document
from virtkit.virtio.kinds import MODELS

pytestmark = pytest.mark.slow

MACHINES = {"pc": ("pc",), "q35": ("q35",), "both": ("pc", "q35"), "own": ("own",)}


@pytest.fixture(scope="module", params=[True, False], ids=["corrected", "database"])
def scores(request: pytest.FixtureRequest) -> dict[str, pd.DataFrame]:
    """The score tables by machines asked for, indexed by policy, with and without corrections.

    Without them, cells that a correction takes away are left out.
    """
    policies = [document.builtin(name) for name in document.names()]
    frame = comparison.evaluate(policies, machines=("pc", "q35", "own"), overrides=request.param)
    if not request.param:
        # Whoever knows the corrections leaves out what they take away, which counts as a loss by the database alone.
        taken = {
            (guest.id, kind)
            for guest in catalogue()
            for kind in KINDS
            if guest.support(kind).any and not support(guest, kind).any
        }
        frame = frame[[cell not in taken for cell in zip(frame["guest"], frame["kind"], strict=True)]]
    return {
        name: comparison.score(frame[frame["asked"].isin(asked)]).set_index("policy")
        for name, asked in MACHINES.items()
    }


@pytest.mark.parametrize("machines", MACHINES)
def test_no_policy_scores_higher(scores: dict[str, pd.DataFrame], machines: str) -> None:
    """No policy has more working cells; of those with as many none adds fewer buses, or has fewer failing cells."""
    table = scores[machines]
    assert table.index[0] == "recommended"
    best = table.loc["recommended"]
    assert best["works"] == table["works"].max()
    equals = table[table["works"] == best["works"]].drop("recommended")
    assert (equals["buses"] >= best["buses"]).all()
    assert (equals["fails"] > best["fails"]).all()


@pytest.mark.parametrize("machines", ["q35", "both"])
def test_it_beats_all_where_buses_cost(scores: dict[str, pd.DataFrame], machines: str) -> None:
    """On q35, and on both machines, every other policy has more buses, and none more working cells."""
    table = scores[machines]
    others, best = table.drop("recommended"), table.loc["recommended"]
    assert len(others) == len(document.names()) - 1
    assert (others["works"] <= best["works"]).all()
    assert (others["buses"] > best["buses"]).all()


def test_pc_is_at_the_bound(scores: dict[str, pd.DataFrame]) -> None:
    """On pc no bus is ever added, so there plain libvirt has the same two figures: they cannot be beaten."""
    table = scores["pc"]
    assert set(table["buses"]) == {0}
    works = table["works"].to_dict()
    assert works["libvirt"] == works["recommended"]


def test_it_reaches_what_can_be_reached() -> None:
    """Its working cells are all that any model gives on either machine; none of its cells fails."""
    prober = Prober(Host.default())
    frame = comparison.evaluate([document.builtin("recommended")], machines=("pc", "q35"))
    assert "fails" not in set(frame["verdict"])
    for machine in ("pc", "q35"):
        seen = {
            kind: [
                shown.interface
                for model in MODELS
                if (shown := prober.shown(prober.machine(machine), kind, model)[1]) and shown.interface
            ]
            for kind in KINDS
        }
        reachable = sum(
            any(judge(support(guest, kind), kind, one).verdict is Verdict.WORKS for one in seen[kind])
            for guest in catalogue()
            for kind in KINDS
        )
        mine = frame[(frame["asked"] == machine) & (frame["verdict"] == "works")]
        assert len(mine) == reachable


def test_disks_and_nics_stay_pluggable_on_q35() -> None:
    """Only kinds that are not unplugged are on the root bus."""
    frame = comparison.evaluate([document.builtin("recommended")], machines=("q35",), kinds=("block", "net"))
    assert set(frame["placement"]) == {"", "pcie-port", "conventional-bridge"}
