"""People judge clips blind, what they say is kept, and the gate is held against it."""

from __future__ import annotations

import http.client
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from footage import filmed, write_clip
from typer.testing import CliRunner

from reelops.cli import build_app, run_guarded
from reelops.clip import ClipFormat
from reelops.errors import InputError
from reelops.gate.decision import Decision
from reelops.gate.limits import GateLimits, Limit
from reelops.metrics.scores import Scores
from reelops.metrics.tracker import Measure
from reelops.scoring.voting.calibrate import calibrate, opinions
from reelops.scoring.voting.pairs import drawn_pairs
from reelops.scoring.voting.server import HOST, Answer, VotingServer
from reelops.scoring.voting.votes import VOTES_NAME, Vote, add_vote, read_votes

LIMITS = GateLimits("default", Decision.REVIEW, {"sharpness": Limit(review_below=10)})


def a_vote(**changes: object) -> Vote:
    facts = {
        "left": "a.mp4",
        "right": "=b.mp4",
        "left_sha256": "a",
        "right_sha256": "b",
        "better": "left",
        "left_usable": True,
        "right_usable": False,
        "voter": "Ada",
        "time": "2026-01-02T03:04:05+00:00",
    }
    return Vote(**{**facts, **changes})  # type: ignore[arg-type] # of a test's own making


def scores_of(sharpness: float) -> Scores:
    measures = {"sharpness": Measure(sharpness, "")}
    return Scores(measures, ClipFormat(49, Fraction(8), 240, 160), asked_move=None, camera=None)


def test_votes_come_back_as_they_were_added(tmp_path: Path) -> None:
    table = tmp_path / VOTES_NAME
    assert read_votes(table) == []
    votes = [a_vote(), a_vote(better="same", right_usable=True)]
    for vote in votes:
        add_vote(table, vote)
    assert read_votes(table) == votes


@pytest.mark.parametrize("text", ["left,right\na,b\n", "\x00\xff", "nonsense"])
def test_a_damaged_table_of_votes_is_named_and_stays_as_it_is(tmp_path: Path, text: str) -> None:
    table = tmp_path / VOTES_NAME
    table.write_text(text, encoding="latin-1")
    before = table.read_bytes()
    with pytest.raises(InputError, match=VOTES_NAME):
        add_vote(table, a_vote())
    assert table.read_bytes() == before


def test_of_people_who_vote_at_the_same_time_no_vote_is_lost(tmp_path: Path) -> None:
    table = tmp_path / VOTES_NAME
    with ThreadPoolExecutor(8) as people:
        list(people.map(lambda number: add_vote(table, a_vote(voter=f"voter {number}")), range(40)))
    assert sorted(vote.voter for vote in read_votes(table)) == sorted(f"voter {number}" for number in range(40))


def test_who_has_no_name_is_asked_for_one_and_a_place_that_takes_no_votes_is_refused_before_any(
    clips: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def vote(*arguments: str) -> str:
        command = ["vote", str(clips[0].parent), "--no-browser", *arguments]
        assert run_guarded(lambda: build_app()(command, standalone_mode=False)) == 2
        return capsys.readouterr().err

    (tmp_path / "file").touch()
    assert "cannot be written" in vote("--voter", "Ada", "--votes", str(tmp_path / "file" / "votes.csv"))
    assert "would be replaced" in vote("--voter", "Ada", "--votes", str(clips[0]))
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)  # a user that the system does not know
    assert "give one with --voter" in vote()


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET * HTTP/1.1",
        b"GET nothing HTTP/1.1",
        b"GET / HTTP/1.1",
        b"GET /{token}/clip/%b/left HTTP/1.1" % (b"9" * 5000),
    ],
    ids=["star", "no stroke", "no token", "endless number"],
)
def test_odd_requests_are_answered_and_leave_the_terminal_alone(
    request_line: bytes, clips: list[Path], capfd: pytest.CaptureFixture[str]
) -> None:
    with serving([(clips[0], clips[1])], lambda *_: None) as server:
        where = urlsplit(server.address)
        line = request_line.replace(b"{token}", where.path.strip("/").encode())
        for more in (b"", b"Content-Length: " + b"9" * 5000 + b"\r\n", b"Range: bytes=" + b"9" * 5000 + b"-\r\n"):
            with socket.create_connection((HOST, where.port or 0), 10) as asking:
                asking.sendall(
                    line + b"\r\nHost: " + where.netloc.encode() + b"\r\nConnection: close\r\n" + more + b"\r\n"
                )
                assert asking.recv(100).startswith(b"HTTP/1.1 404")
    assert capfd.readouterr().err == ""


def test_every_pair_is_drawn_once_and_clips_are_shown_equally_often() -> None:
    clips = [Path(name) for name in "abcdef"]
    pairs = list(drawn_pairs(clips, [], np.random.default_rng(0)))
    assert len({frozenset(pair) for pair in pairs}) == len(pairs) == 15
    first = [clip for pair in pairs[:3] for clip in pair]
    assert sorted(first) == clips
    assert 3 < sum(left < right for left, right in pairs) < 12


def test_what_was_voted_on_is_not_drawn_again() -> None:
    clips = [Path(name) for name in "abc"]
    pairs = list(drawn_pairs(clips, [(clips[1], clips[0]), (clips[0], clips[2])], np.random.default_rng(0)))
    assert [frozenset(pair) for pair in pairs] == [frozenset(clips[1:])]
    with pytest.raises(InputError, match="two clips"):
        next(drawn_pairs(clips[:1], [], np.random.default_rng(0)))


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("clips")
    return [write_clip(folder / f"clip-{seed}.mp4", filmed(num_frames=6, seed=seed)).path for seed in range(3)]


@contextmanager
def serving(pairs: list[tuple[Path, Path]], keep: Callable[..., None]) -> Iterator[VotingServer]:
    server = VotingServer(iter(pairs), len(pairs), keep)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(10)
    assert not thread.is_alive()


def asked(
    address: str, path: str = "", body: object = None, host: str | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes, dict[str, str]]:
    found = urlsplit(address)
    connection = http.client.HTTPConnection(HOST, found.port or 0, timeout=20)
    sent = {"Host": host or found.netloc, **(headers or {})}
    data = None if body is None else json.dumps(body).encode()
    if data is not None:
        sent["Content-Type"] = "application/json"
    connection.request("GET" if body is None else "POST", found.path + path, data, sent)
    reply = connection.getresponse()
    answer = reply.status, reply.read(), dict(reply.getheaders())
    connection.close()
    return answer


def test_an_answer_is_handed_on_once_and_the_next_pair_comes(clips: list[Path]) -> None:
    kept: list[tuple[tuple[Path, Path], Answer]] = []
    pairs = [(clips[0], clips[1]), (clips[2], clips[0])]
    answer = {"number": 0, "better": "right", "leftUsable": False, "rightUsable": True}
    with serving(pairs, lambda pair, answer: kept.append((pair, answer))) as server:
        page = asked(server.address)[1].decode()
        assert not any(clip.name in page for clip in clips)
        assert json.loads(asked(server.address, "pair")[1]) == {"number": 0, "total": 2, "done": False}
        assert asked(server.address, "clip/0/left")[1] == clips[0].read_bytes()
        assert json.loads(asked(server.address, "vote", answer)[1])["number"] == 1
        assert json.loads(asked(server.address, "vote", answer)[1])["number"] == 1
        assert kept == [(pairs[0], Answer("right", False, True))]
        assert asked(server.address, "clip/0/left")[0] == 404
        status, part, headers = asked(server.address, "clip/1/left", headers={"Range": "bytes=3-9"})
        assert (status, part) == (206, clips[2].read_bytes()[3:10])
        assert headers["Content-Range"] == f"bytes 3-9/{clips[2].stat().st_size}"


def test_who_has_not_the_address_learns_nothing(clips: list[Path]) -> None:
    with serving([(clips[0], clips[1])], lambda *_: pytest.fail("nobody may vote")) as server:
        found = urlsplit(server.address)
        guessed = f"{found.scheme}://{found.netloc}/guess/"
        assert asked(guessed)[0] == asked(guessed, "pair")[0] == asked(f"{found.scheme}://{found.netloc}/")[0] == 404
        assert asked(guessed, "vote", {"number": 0, "better": "left"})[0] == 404
        # A page of elsewhere whose name was pointed to this machine.
        assert asked(server.address, "pair", host="evil.example")[0] == 404
        assert asked(server.address, "vote", {"number": 0, "better": "best"})[0] == 400
        assert asked(server.address, "vote", ["x" * 2000])[0] == 413


def test_opinions_are_those_of_the_majority() -> None:
    said = opinions([a_vote(), a_vote(left_usable=False), a_vote()])
    assert said["a"].majority is True and said["b"].majority is False
    assert opinions([a_vote(), a_vote(left_usable=False)])["a"].majority is None


def voted(count: int, usable_from: float) -> tuple[list[Vote], dict[str, Scores]]:
    """Clips whose sharpness is 0, 1, ..., of which people would use those from some sharpness on."""
    votes = [
        a_vote(
            left_sha256=str(number),
            right_sha256=str(number + 1),
            better="right",
            left_usable=number >= usable_from,
            right_usable=number + 1 >= usable_from,
        )
        for number in range(0, count, 2)
    ]
    return votes, {str(number): scores_of(number) for number in range(count)}


def test_agreement_is_counted_with_its_interval() -> None:
    found = calibrate(*voted(24, 10), LIMITS)
    assert (found.agreed.hits, found.agreed.of) == (24, 24) and found.agreed.interval[0] > 0.8
    assert found.changed == {} and found.held_back.hits == found.let_through.hits == 0
    # Pairs (0, 1), (2, 3), ... have verdicts alike on both sides of the limit.
    assert found.pairs.of == 0


def test_limits_move_to_where_people_draw_the_line_and_say_what_that_is_worth() -> None:
    found = calibrate(*voted(40, 15), LIMITS)
    assert found.agreed.hits == 35 and found.let_through.hits == 5
    assert found.changed["sharpness"].review_below == pytest.approx(14.5)
    assert found.agreed_then is not None and 37 <= found.agreed_then.hits <= 40


def test_a_clip_is_held_against_the_limits_that_count_for_it_and_these_are_not_moved() -> None:
    votes, scores = voted(40, 15)
    lenient = GateLimits("default", Decision.REVIEW, {"sharpness": Limit(review_below=0)})
    nothing_held = calibrate(votes, scores, LIMITS, dict.fromkeys(scores, lenient))
    assert nothing_held.held_back.hits == 0 and nothing_held.let_through.hits == nothing_held.let_through.of > 0
    assert nothing_held.changed == {}
    some = dict.fromkeys(list(scores)[::8], lenient)
    assert calibrate(votes, scores, LIMITS, some).changed["sharpness"].review_below == pytest.approx(14.5, abs=1)


def test_few_votes_move_no_limit() -> None:
    found = calibrate(*voted(8, 3), LIMITS)
    assert found.changed == {} and found.agreed_then is None


def test_without_votes_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run_guarded(lambda: build_app()(["gate", "calibrate", str(tmp_path)], standalone_mode=False))
    assert code == 2 and "no votes" in capsys.readouterr().err


def test_a_folder_that_was_voted_on_is_told_in_words(clips: list[Path]) -> None:
    folder = clips[0].parent
    add_vote(folder / VOTES_NAME, _of_files(clips[0], clips[1]))
    result = CliRunner().invoke(build_app(), ["gate", "calibrate", str(folder), "--workers", "1"])
    assert result.exit_code == 0, result.output
    assert "1 votes of 1 people" in result.output and "The gate agrees with them on" in result.output


def _of_files(left: Path, right: Path) -> Vote:
    from reelops.system.digest import sha256_of

    return a_vote(left=left.name, right=right.name, left_sha256=sha256_of(left), right_sha256=sha256_of(right))
