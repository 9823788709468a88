"""The answer of `reelops generate`: short, last, and made of paths that can be pressed and copied."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from footage import textured
from PIL import Image

import reelops
from reelops.gate.decision import Decision
from reelops.gate.limits import load_gate_settings
from reelops.gate.verdict import Verdict, judge
from reelops.params import load_config
from reelops.production.take import Judged, Take
from reelops.views import take as view
from reelops.views.console import terminal


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Take:
    folder = tmp_path_factory.mktemp("a folder with blanks, and of a name that is far longer than any terminal is wide")
    Image.fromarray(textured(320, 240)).save(folder / "harbour.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REELOPS_HOME", str(folder / "home"))
        made = reelops.generate(
            *(folder / "harbour.png", "static"),
            output=folder / "clip.mp4",
            track=False,
            **{"profile": "camera-moves", "num_frames": 9, "width": 96, "height": 64},
        )
    assert isinstance(made, Take)
    return made


def shown(take: Take, monkeypatch: pytest.MonkeyPatch, width: int, tty: bool, verbose: bool = False) -> list[str]:
    file = io.StringIO()
    monkeypatch.setattr(view, "out", terminal(file=file, width=width, force_terminal=tty, color_system=None))
    view.show_take(take, verbose)
    return file.getvalue().splitlines()


@pytest.mark.parametrize(("width", "tty"), [(80, True), (200, True), (240, False)])
def test_the_answer_is_a_few_lines_with_whole_paths(
    take: Take, monkeypatch: pytest.MonkeyPatch, width: int, tty: bool
) -> None:
    lines = shown(take, monkeypatch, width, tty)
    assert len(lines) <= 6
    assert lines[0].startswith(view.VERDICTS[take.verdict.decision.value].capitalize())
    assert lines[1] == f"Clip           {take.clip.path}"
    assert lines[2] == f"Contact sheet  {take.contact_sheet}"
    assert lines[3].endswith(f"open '{take.clip.path}'")
    assert all(line == line.rstrip() for line in lines)


def test_all_numbers_and_reasons_come_before_it_for_whoever_asks(
    take: Take, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = load_gate_settings(load_config(params_file=repository / "params.yaml")).limits_of("default")
    unasked = judge(replace(take.scores, asked_move=None), limits)
    assert len(unasked.reasons) > 3, "a still clip that nobody asked for fails more than one limit"
    take = replace(take, verdict=unasked)
    brief, all_of_it = shown(take, monkeypatch, 80, True), shown(take, monkeypatch, 80, True, verbose=True)
    assert f"{len(take.verdict.reasons) - 2} more: --verbose, or the .json." in brief[0]
    assert all_of_it[-len(brief) + 1 :] == brief[1:]
    (verdict,) = [line for line in all_of_it if line.startswith(brief[0][:15])]
    assert all(reason.text in verdict for reason in take.verdict.reasons)
    assert len(all_of_it) > len(take.scores.measures) and any("(asked: static)" in line for line in all_of_it)
    told = json.loads(Path(take.sidecar).read_text())
    assert set(told["scores"]) == set(take.scores.measures)


def test_where_the_gate_decides_otherwise_on_the_finished_and_the_bare_clip_both_are_said(
    take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = Verdict(Decision.ACCEPT, (), "tiny")
    differing = replace(take, bare=Judged(take.scores, take.verdict), verdict_on_finished=accepted)
    lines = shown(differing, monkeypatch, 80, True)
    bare = view.VERDICTS[take.verdict.decision.value]
    assert lines[1] == f"The finished clip: accepted. As it was generated: {bare}. The worse counts, with its reasons."
    same = replace(take, bare=Judged(take.scores, take.verdict), verdict_on_finished=take.verdict)
    assert shown(same, monkeypatch, 80, True) == shown(take, monkeypatch, 80, True)
