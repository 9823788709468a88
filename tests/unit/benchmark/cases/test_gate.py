"""The gate is shown every version of every good clip."""

from __future__ import annotations

from reelops.benchmark.case import Bench
from reelops.benchmark.cases.gate import GATE, measure_gate
from reelops.gate.faults.catalogue import FAMILIES, a_third_of_faults
from reelops.progress import QUIET


def test_the_gate_is_shown_every_version_of_every_clip(bench: Bench) -> None:
    found = measure_gate(bench, QUIET)
    assert found["good"] == 1 and found["bad"] == 12
    assert sum(found["versions"]["frozen"][decision] for decision in ("accept", "review", "reject")) == 1
    assert 0 <= found["bad_not_accepted"] <= 1 and not found["not_tested"]
    as_it_is = found["versions"]["as it is"]
    assert len(found["held_back"]) == as_it_is["review"] + as_it_is["reject"]
    assert all(row["why"] for row in found["held_back"])
    assert sum(row["of"] for row in found["families"]) == len(a_third_of_faults(0)) == len(found["curves"])
    assert {row["family"] for row in found["families"]} == set(found["left_out"]["families"]) == set(FAMILIES)
    good, further, bad = GATE.targets(found)
    assert (good.measured, bad.measured) == (found["good_not_rejected"], found["bad_not_accepted"])
    assert further.measured == found["faults_held_back"]
    assert "The gate on good clips (1) and degraded versions of them" in [table.title for table in GATE.tables(found)]
