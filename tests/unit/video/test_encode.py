"""What is written: exact rates, whole files only, sound and provenance kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from real_media import media

from reelops.clip import ClipFormat
from reelops.errors import InputError, MachineError, VideoError
from reelops.system.digest import sha256_of
from reelops.video.decode import read_clip, read_frames
from reelops.video.encode import encode, transcode
from reelops.video.probe import probe
from reelops.video.provenance import read_provenance
from tests.unit.video.media import noise_frames, number_in, numbered_frames, write_sound, write_turned, write_with_times

PROVENANCE = {
    "prompt": 'A "quoted" naïve 灯台 — slow zoom in\nsecond line \\ end',
    "seed": 2**53 - 1,
    "lineage": {"git": "4df4024", "adapter": None, "scores": [0.25, 1e-9]},
}


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".m4v"])
def test_provenance_comes_back_as_it_went_in(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clip{suffix}"
    encode(noise_frames(2), path, Fraction(8), "fast", PROVENANCE)
    assert read_provenance(path) == PROVENANCE
    assert probe(path).provenance == PROVENANCE


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_names_in_a_provenance_that_are_no_unicode_come_back_as_they_were(tmp_path: Path, suffix: str) -> None:
    provenance = {"picture": os.fsdecode(b"caf\xe9.jpg"), "like it": r"caf\udce9.jpg", "half": "a cat \ud83d"}
    path = tmp_path / os.fsdecode(b"caf\xe9" + suffix.encode())
    encode(noise_frames(1), path, Fraction(8), "fast", provenance)
    assert read_provenance(path) == probe(path).provenance == provenance


def test_long_provenance_is_not_cut(tmp_path: Path) -> None:
    provenance = {"note": "ü" * 100_000}
    encode(noise_frames(1), tmp_path / "clip.mp4", Fraction(8), "fast", provenance)
    assert read_provenance(tmp_path / "clip.mp4") == provenance


def test_other_peoples_clips_have_no_provenance() -> None:
    assert read_provenance(media("cogvideox-generated-1.mp4")) is None


def test_provenance_that_json_cannot_say_is_refused(tmp_path: Path) -> None:
    for value in (Path("x"), float("nan")):
        with pytest.raises(VideoError, match="must be JSON"):
            encode(noise_frames(1), tmp_path / "clip.mp4", Fraction(8), metadata={"value": value})
    assert not any(tmp_path.iterdir())


def test_index_comes_before_the_pictures(tmp_path: Path) -> None:
    content = encode(noise_frames(3), tmp_path / "clip.mp4", Fraction(8), "fast").path.read_bytes()
    assert 0 < content.find(b"moov") < content.find(b"mdat")


def test_clip_carries_no_date_and_no_version(tmp_path: Path) -> None:
    """Else the same order would give other bytes tomorrow."""
    tags = probe(encode(noise_frames(3), tmp_path / "clip.mp4", Fraction(8), "fast").path).metadata
    assert not {"creation_time", "encoder"} & set(tags)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "no frames"),
        ([np.zeros((8, 8, 3), np.float32)], r"frame 0 is \(8, 8, 3\) of float32"),
        ([np.zeros((8, 8), np.uint8)], r"frame 0 is \(8, 8\)"),
        ([np.zeros((8, 8, 4), np.uint8)], r"frame 0 is \(8, 8, 4\)"),
        ([np.zeros((8, 8, 3), np.uint8), np.zeros((8, 10, 3), np.uint8)], "frame 1 is 10x8"),
    ],
)
def test_frames_that_cannot_be_encoded_are_named_and_leave_no_file(
    tmp_path: Path, frames: list[np.ndarray], message: str
) -> None:
    with pytest.raises(VideoError, match=message):
        encode(frames, tmp_path / "clip.mp4", Fraction(8))
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("fps", [Fraction(0), Fraction(-8), Fraction(1, 2**40)])
def test_rate_that_cannot_be_kept_is_refused(tmp_path: Path, fps: Fraction) -> None:
    with pytest.raises(VideoError, match="frames per second"):
        encode(noise_frames(1), tmp_path / "clip.mp4", fps)


def test_suffix_and_profile_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"clip\.mkv.*\.mp4"):
        encode(noise_frames(1), tmp_path / "clip.mkv", Fraction(8))
    with pytest.raises(VideoError, match="'best'; choose one of high"):
        encode(noise_frames(1), tmp_path / "clip.mp4", Fraction(8), "best")


def test_error_while_frames_are_made_keeps_the_old_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"old")

    def stopped() -> Iterator[np.ndarray]:
        yield from noise_frames(5)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(stopped(), path, Fraction(8))
    assert [one.name for one in tmp_path.iterdir()] == ["clip.mp4"]
    assert path.read_bytes() == b"old"


def test_place_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MachineError, match="cannot write"):
        encode(noise_frames(1), tmp_path / "file" / "clip.mp4", Fraction(8))
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        encode(noise_frames(1), tmp_path / "folder.mp4", Fraction(8))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_full_disk_is_said_in_one_line(tmp_path: Path) -> None:
    """A file size limit stands for the full disk: both end in an error of the system's write."""
    script = (
        "import resource, signal, numpy as np\n"
        "from fractions import Fraction\nfrom pathlib import Path\n"
        "from reelops.errors import MachineError\nfrom reelops.video.encode import encode\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "frames = np.random.default_rng(0).integers(0, 256, (30, 64, 64, 3), dtype=np.uint8)\n"
        f"try:\n    encode(frames, Path({str(tmp_path / 'clip.mp4')!r}), Fraction(8))\n"
        "except MachineError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "cannot write" in done.stdout, done.stderr
    assert not any(tmp_path.iterdir())


ENCODE_FOREVER = """
import itertools, sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from reelops.video.encode import encode

frames = np.random.default_rng(0).integers(0, 256, (4, 48, 64, 3), dtype=np.uint8)
def told():
    for number in itertools.count():
        print(number, flush=True)
        yield frames[number % 4]
encode(told(), Path(sys.argv[1]), Fraction(8), "fast")
"""


@pytest.mark.parametrize("frames_before_death", [0, 7, 150])
def test_killed_while_encoding_leaves_nothing_under_the_final_name(tmp_path: Path, frames_before_death: int) -> None:
    path = tmp_path / "clip.mp4"
    writer = subprocess.Popen([sys.executable, "-c", ENCODE_FOREVER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for line in writer.stdout:
        if int(line) >= frames_before_death:
            break
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    assert not path.exists()
    assert len(list(tmp_path.glob(".*.partial"))) == 1
    encode(noise_frames(2), path, Fraction(8), "fast")
    assert [one.name for one in tmp_path.iterdir()] == ["clip.mp4"]


ENCODE_AGAIN_AND_AGAIN = """
import sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from reelops.video.encode import encode

frames = np.random.default_rng(0).integers(0, 256, (3, 48, 64, 3), dtype=np.uint8)
print("ready", flush=True)
while True:
    encode(frames, Path(sys.argv[1]), Fraction(8), "fast")
"""


def test_killed_at_any_moment_the_file_is_always_whole(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    expected = encode(
        np.random.default_rng(0).integers(0, 256, (3, 48, 64, 3), dtype=np.uint8), path, Fraction(8), "fast"
    ).sha256
    for delay in (0.0, 0.02, 0.07):
        command = [sys.executable, "-c", ENCODE_AGAIN_AND_AGAIN, str(path)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(delay)
        writer.kill()
        writer.wait()
        writer.stdout.close()
        assert sha256_of(path) == expected


def test_sound_is_copied_with_its_pictures(tmp_path: Path) -> None:
    source = media("intel-cars-cut.mp4")
    clip = transcode(source, tmp_path / "clip.mp4", "fast")
    before, after = probe(source), probe(clip.path)
    assert clip.format == after.format == before.format
    assert after.audio is not None
    assert before.audio is not None
    assert after.audio.codec == before.audio.codec
    assert abs((after.audio.duration or 0) - (before.audio.duration or 0)) < Fraction(1, 20)


def test_sound_that_mp4_players_do_not_know_becomes_aac(tmp_path: Path) -> None:
    write_sound(tmp_path / "sound.wav", seconds=2)
    clip = encode(noise_frames(8), tmp_path / "clip.mp4", Fraction(8), "fast", audio=tmp_path / "sound.wav")
    audio = probe(clip.path).audio
    assert audio is not None
    assert (audio.codec, audio.sample_rate, audio.channels) == ("aac", 48000, 2)
    # Cut at the end of the pictures, to the length of one AAC packet and its priming.
    assert abs(float(audio.duration or 0) - 1) < 0.06


def test_sound_of_a_silent_file_is_refused(tmp_path: Path) -> None:
    silent = encode(noise_frames(2), tmp_path / "silent.mp4", Fraction(8), "fast").path
    with pytest.raises(VideoError, match="no sound track"):
        encode(noise_frames(2), tmp_path / "clip.mp4", Fraction(8), audio=silent)


def test_transcoding_keeps_uneven_times(tmp_path: Path) -> None:
    source = tmp_path / "uneven.mkv"
    write_with_times(source, numbered_frames(5), [0, 100, 300, 350, 800], Fraction(1, 1000))
    clip = transcode(source, tmp_path / "clip.mp4", "lossless")
    shown = list(read_frames(clip.path))
    assert [round(one.time * 1000) for one in shown] == [0, 100, 300, 350, 800]
    assert [number_in(one.frame_HWC) for one in shown] == [0, 1, 2, 3, 4]


def test_transcoding_turns_pictures_upright_for_good(tmp_path: Path) -> None:
    write_turned(tmp_path / "turned.mp4", noise_frames(3, 64, 48), 90)
    clip = transcode(tmp_path / "turned.mp4", tmp_path / "clip.mp4", "fast")
    assert (probe(clip.path).rotation, clip.format.width, clip.format.height) == (0, 48, 64)


def test_transcoding_in_place_resizes_and_keeps_the_provenance(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    encode(noise_frames(4), path, Fraction(24000, 1001), "fast", PROVENANCE)
    clip = transcode(path, path, "low", size=(32, 24))
    assert clip.format == probe(path).format == ClipFormat(4, Fraction(24000, 1001), 32, 24)
    assert read_provenance(path) == PROVENANCE


def test_transcoding_refuses_a_damaged_source(tmp_path: Path) -> None:
    whole = encode(noise_frames(40), tmp_path / "whole.mp4", Fraction(8), "fast").path.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(VideoError, match="cut short"):
        transcode(tmp_path / "cut.mp4", tmp_path / "clip.mp4")
    assert not (tmp_path / "clip.mp4").exists()


def test_lossless_copy_of_a_real_clip_is_exact(tmp_path: Path) -> None:
    source = media("intel-person-upright.mp4")
    frames = read_clip(source)
    clip = encode(frames, tmp_path / "clip.mp4", probe(source).fps, "lossless")
    assert np.array_equal(read_clip(clip.path), frames)
