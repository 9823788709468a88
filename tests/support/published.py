"""MSR-VTT, VATEX and Panda-70M as they are published, but small: real videos, and real captions where there are any."""

from __future__ import annotations

import csv
import itertools
import json
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from real_media import MORE, media

from reelops.video.decode import read_clip
from reelops.video.encode import encode

SMALL_VIDEOS = (
    *("intel-person-upright.mp4", "cogvideox-generated-4.mp4", "cogvideo-example-horse.mp4"),
    "cogvideo-example-train_running.mp4",
)
VIDEO_ID = "Ptf_2VRj-V0"


def videos(count: int) -> list[bytes]:
    """Whole MP4 files, no two alike where there are no more than four."""
    return [media(name).read_bytes() for name in itertools.islice(itertools.cycle(SMALL_VIDEOS), count)]


def small_videos(folder: Path) -> list[bytes]:
    """Two seconds of three real videos, so small that thousands can be served."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        encode(
            read_clip(path, size=(96, 64), fps=Fraction(8))[:16], folder / path.name, Fraction(8), "fast"
        ).path.read_bytes()
        for path in map(media, SMALL_VIDEOS[1:])
    ]


def draw_video(path: Path, seconds: int = 2, fps: int = 8, seed: int = 0) -> Path:
    """A video whose frames are soft noise that drifts."""
    picture = np.random.default_rng(seed).integers(0, 256, (6, 9, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    frames = (np.roll(picture, number, 1) for number in range(seconds * fps))
    return encode(frames, path, Fraction(fps), "fast").path


def sentences(count: int) -> list[tuple[str, str]]:
    """Clip ids and captions of MSR-VTT's 1k-A test split, or made-up ones where that is not at hand."""
    table = Path(os.environ.get(MORE, "")) / "captions" / "MSRVTT_JSFUSION_test.csv"
    if not table.is_file():
        return [(f"video{7010 + number}", f"a person does thing number {number}") for number in range(count)]
    with table.open(newline="") as file:
        return [(row["video_id"], row["sentence"]) for row, _ in zip(csv.DictReader(file), range(count), strict=False)]


def msr_vtt(clips: list[tuple[str, str]]) -> dict[str, Any]:
    """The form of train_val_videodatainfo.json and MSRVTT_data.json; every clip has a second caption."""
    return {
        "info": {"year": "2016", "version": "1.0", "description": "made for a test"},
        "videos": [
            {
                "category": number % 20,
                "url": f"https://www.youtube.com/watch?v=abcdefgh{number:03d}",
                "video_id": clip_id,
                "start time": 137.72,
                "end time": 149.44,
                "split": ("train", "validate", "test")[number % 3],
                "id": number,
            }
            for number, (clip_id, _) in enumerate(clips)
        ],
        "sentences": [
            {"caption": text, "video_id": clip_id, "sen_id": number}
            for number, (clip_id, first) in enumerate(clips)
            for text in (first, f"{first} again")
        ],
    }


def vatex(count: int) -> list[dict[str, Any]]:
    """The form of vatex_training_v1.0.json: ten seconds of a video each, ten captions in English and in Chinese."""
    return [
        {
            "videoID": f"{VIDEO_ID[:-2]}{number:02d}_{number + 1:06d}_{number + 11:06d}",
            "enCap": [f"Somebody does thing {number} in way {way}." for way in range(10)],
            "chCap": [f"某人做事{number}" for _ in range(10)],
        }
        for number in range(count)
    ]


def write_panda(path: Path, rows: int) -> Path:
    """The published columns; lists are written as Python writes them."""
    columns = [*("videoID", "url", "timestamp", "caption", "matching_score"), "desirable_filtering"]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for number in range(rows):
            video = f"pandavid{number:03d}"
            writer.writerow(
                [
                    video,
                    f"https://www.youtube.com/watch?v={video}",
                    [["0:00:00.000", "0:00:01.000"], ["0:00:01.000", "0:00:01.500"]],
                    [f"It is video {number}'s first part.", "A second, with a comma."],
                    [0.44, 0.36],
                    ["desirable", "0_low_desirable_score"],
                ]
            )
    return path


def write_json(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path
