"""Which clips are taken: by weight, by limit, by seed; and the same ones when others come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelops.dataset.entry import Entry
from reelops.dataset.fetch.stage import list_entries, plan_fetch
from reelops.dataset.mixing import choose, share_out
from reelops.dataset.params import DatasetParams
from reelops.errors import DatasetError, SettingsError
from reelops.params import load_config


def entries(count: int, source: str = "a") -> list[Entry]:
    return [Entry(source, f"clip{number}", (), "free", f"a:{number}") for number in range(count)]


def test_a_choice_holds_when_more_is_listed_and_in_any_order() -> None:
    few, many = choose(entries(50), 10, seed=1), choose(entries(100), 10, seed=1)
    assert len(few) == len(many) == 10
    kept = {entry.clip_id for entry in many} & {entry.clip_id for entry in entries(50)}
    assert kept <= {entry.clip_id for entry in few}
    assert set(choose(reversed(entries(50)), 10, seed=1)) == set(few)
    assert choose(entries(50), 10, seed=2) != few


def test_a_choice_keeps_the_publishers_order() -> None:
    numbers = [int(entry.clip_id[4:]) for entry in choose(entries(100), 30, seed=0)]
    assert numbers == sorted(numbers)


def test_weights_share_out_and_what_one_lacks_the_others_give() -> None:
    assert share_out(100, [1, 3], [1000, 1000]) == [25, 75]
    assert share_out(100, [1, 3], [1000, 10]) == [90, 10]
    assert share_out(100, [1, 1, 1], [1000, 1000, 1000]) == [34, 33, 33]
    assert share_out(100, [1, 1], [20, 30]) == [20, 30]


@given(
    st.integers(1, 10_000),
    st.lists(st.tuples(st.floats(0.01, 100), st.integers(0, 5_000)), min_size=1, max_size=6),
)
def test_shares_never_exceed_what_is_there_and_fill_what_is_asked(total: int, sources: list[tuple[float, int]]) -> None:
    weights, available = [weight for weight, _ in sources], [count for _, count in sources]
    counts = share_out(total, weights, available)
    assert sum(counts) == min(total, sum(available))
    assert all(count <= there for count, there in zip(counts, available, strict=True))


def test_sources_are_mixed_as_params_say(tmp_path: Path) -> None:
    for name, count in (("one", 40), ("two", 3)):
        (tmp_path / name).mkdir()
        for number in range(count):
            (tmp_path / name / f"{number}.mp4").write_bytes(b"")
    sources = [
        {"kind": "folder", "name": "one", "path": "one", "weight": 1},
        {"kind": "folder", "name": "two", "path": "two", "weight": 2},
        {"kind": "samples", "clips": 50, "limit": 20, "weight": 1},
    ]
    params = DatasetParams.model_validate({"clips": 30, "sources": sources})
    mixed = list_entries(plan_fetch(params, tmp_path))
    assert {name: len(some) for name, some in mixed.items()} == {"one": 14, "two": 3, "samples": 13}
    assert list_entries(plan_fetch(params, tmp_path)) == mixed
    assert list_entries(plan_fetch(params, tmp_path, only=["two"])) == {"two": mixed["two"]}
    with pytest.raises(DatasetError, match="has no source 'three'; it has one, two, samples"):
        plan_fetch(params, tmp_path, only=["three"])


FOLDER = {"kind": "folder", "path": "."}
MSR = {"kind": "msr_vtt", "annotations": ["a.json"]}


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"sources": []}, "dataset.sources"),
        ({"sources": [{"kind": "youtube"}]}, "'folder'"),
        ({"sources": [FOLDER, FOLDER]}, "two sources are called 'folder'"),
        ({"sources": [FOLDER, {"kind": "samples", "weight": 2}]}, "say how many clips you want in all"),
        ({"sources": [{**FOLDER, "limit": 0}]}, "limit is 0"),
        ({"sources": [{**FOLDER, "name": "../x"}]}, "../x"),
        ({"sources": [{"kind": "msr_vtt", "annotations": ["ftp://host/a.json"]}]}, "neither http(s)://"),
        ({"sources": [{"kind": "msr_vtt", "annotations": ["a.json"], "categories": ["cats"]}]}, "no category 'cats'"),
        ({"sources": [{"kind": "msr_vtt", "annotations": [{"path": "a", "url": "http://h/a"}]}]}, "either a path or"),
        ({"sources": [{"kind": "msr_vtt", "annotations": [{"path": "a", "sha256": "12"}]}]}, "64 hexadecimal digits"),
        (
            {"sources": [{**MSR, "videos": [{"url": "http://h/{clip}.mp4", "sha256": "0" * 64}]}]},
            "for a file of each clip give `checksums`",
        ),
    ],
)
def test_a_wrong_block_is_one_line_that_names_the_key(tmp_path: Path, block: dict[str, Any], said: str) -> None:
    import yaml

    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"dataset": block}))
    with pytest.raises(SettingsError) as caught:
        load_config(params_file=tmp_path / "params.yaml").block("dataset", DatasetParams)
    assert said in str(caught.value) and "\n" not in str(caught.value)
