"""Our Dual TV-L1: OpenCV's flow at OpenCV's parameters, less error than OpenCV's at ours, and the same bits always."""

from __future__ import annotations

import hashlib
import platform
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import FunctionType, ModuleType

import cv2
import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher
from real_media import media

from reelops.benchmark.cases.flow.footage import photograph
from reelops.benchmark.cases.flow.golden import opencv_flow
from reelops.benchmark.known_flow import MOTIONS, KnownMotion, end_point_error, moved_pair
from reelops.optical_flow.tvl1 import affine as tvl1_affine
from reelops.optical_flow.tvl1 import data as tvl1_data
from reelops.optical_flow.tvl1 import dual as tvl1_dual
from reelops.optical_flow.tvl1 import median as tvl1_median
from reelops.optical_flow.tvl1.compiling import compiled
from reelops.optical_flow.tvl1.engine import TvL1, pyramid
from reelops.optical_flow.tvl1.median import median, median_exchanges
from reelops.optical_flow.tvl1.parameters import TvL1Parameters, opencv_parameters
from reelops.optical_flow.working_size import at_rows, luma
from reelops.video.decode import read_frames

MOTION = {motion.name: motion for motion in MOTIONS}


@pytest.fixture(scope="module")
def rocket(repository: Path) -> np.ndarray:
    """A photograph that the repository brings, luma."""
    return photograph(repository / "data/samples/rocket.jpg")


def pair_of(photo: np.ndarray, motion: KnownMotion, rows: int) -> list[np.ndarray]:
    return [at_rows(picture, rows) for picture in moved_pair(photo, motion)]


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.norm(a - b, axis=2)


# ---- against OpenCV ----


@pytest.mark.parametrize("name", ["pan 3 px", "zoom 1.02", "turn 2 degrees"])
def test_opencv_parameters_give_opencv_flow(rocket: np.ndarray, name: str) -> None:
    assert_same_flow(pair_of(rocket, MOTION[name], 64))


@pytest.mark.parametrize("clip", ["cogvideo-example-kitten", "cogvideo-example-horse"])
def test_opencv_parameters_give_opencv_flow_on_real_pairs(clip: str) -> None:
    frames = read_frames(media(f"{clip}.mp4"))
    assert_same_flow([at_rows(luma(next(frames).frame_HWC), 64) for _ in range(2)])


def assert_same_flow(pair: list[np.ndarray]) -> None:
    """To the last bit where OpenCV does without fused multiply-adds, as it does on x86; the rest allows for them."""
    distance = distances(TvL1(opencv_parameters()).flow(*pair), opencv_flow(*pair))
    assert np.median(distance) <= 0.05
    assert distance.mean() <= 0.3
    if platform.machine() == "x86_64":
        assert distance.max() == 0


@pytest.mark.parametrize("motion", MOTIONS, ids=lambda motion: motion.name)
def test_known_motion_is_measured_no_worse_than_by_opencv(rocket: np.ndarray, motion: KnownMotion) -> None:
    pair = pair_of(rocket, motion, 64)
    ours, theirs = (end_point_error(flow(*pair), motion) for flow in (TvL1().flow, opencv_flow))
    assert ours <= 1.05 * theirs


@pytest.mark.parametrize("motion", MOTIONS, ids=lambda motion: motion.name)
def test_error_on_known_motion_stays_below_a_third_of_a_pixel(rocket: np.ndarray, motion: KnownMotion) -> None:
    assert end_point_error(TvL1().flow(*pair_of(rocket, motion, 160)), motion) < 0.34


# ---- always the same ----


@pytest.fixture(scope="module")
def drive(rocket: np.ndarray) -> list[np.ndarray]:
    """A clip of six frames, 100x67, that speeds up."""
    path = [KnownMotion("", zoom=1 + 0.01 * t * t, degrees=t) for t in range(6)]
    return [cv2.resize(moved_pair(rocket, motion)[1], (100, 67), interpolation=cv2.INTER_AREA) for motion in path]


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_flow_is_the_same_to_the_last_bit_on_any_number_of_threads(drive: list[np.ndarray], workers: int) -> None:
    for flow, pair in zip(TvL1(workers=workers).flows(drive), pairwise(drive), strict=True):
        np.testing.assert_array_equal(flow, TvL1().flow(*pair))


def test_another_process_finds_the_same_bits_and_compiles_nothing(drive: list[np.ndarray], tmp_path: Path) -> None:
    here = hashlib.sha256(TvL1().flow(*drive[:2]).tobytes()).hexdigest()
    np.save(tmp_path / "pair.npy", drive[:2])
    script = (
        "import hashlib, numpy\n"
        "from reelops.optical_flow.tvl1 import affine, data, dual, engine, median\n"
        f"flow = engine.TvL1().flow(*numpy.load({str(tmp_path / 'pair.npy')!r}))\n"
        "loops = affine.dominant_motion, data.linearise, dual.settle, median.median\n"
        "assert not any(loop.stats.cache_misses for loop in loops), 'it was compiled again'\n"
        "print(hashlib.sha256(flow.tobytes()).hexdigest())"
    )
    there = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert there.stdout.strip() == here, there.stderr


@pytest.mark.parametrize("module", [tvl1_affine, tvl1_data, tvl1_dual, tvl1_median], ids=lambda module: module.__name__)
def test_compiled_loops_call_those_of_their_own_file_only(module: ModuleType) -> None:
    """Numba keeps code until the file of the outermost function changes, whatever becomes of the others."""
    loops = {name: one for name, one in vars(module).items() if isinstance(one, Dispatcher)}
    assert loops
    for loop in loops.values():
        called = [loops[name] for name in loop.py_func.__code__.co_names if name in loops]
        assert all(other.py_func.__module__ == module.__name__ for other in called)


def test_without_a_folder_to_keep_code_in_it_is_compiled_all_the_same() -> None:
    def double(x):  # type: ignore[no-untyped-def]
        return 2 * x

    assert compiled(FunctionType(double.__code__.replace(co_filename="<nowhere>"), {}))(21) == 42


@pytest.mark.parametrize("together", [1, 3, 30])
def test_iterations_done_in_one_sweep_change_nothing(drive: list[np.ndarray], together: int) -> None:
    for parameters in (TvL1Parameters(tolerance=0.02), opencv_parameters()):
        expected = TvL1(parameters).flow(*drive[:2])
        np.testing.assert_array_equal(TvL1(replace(parameters, together=together)).flow(*drive[:2]), expected)


# ---- its parts ----


@pytest.mark.parametrize("size", [3, 5])
def test_median_is_that_of_opencv(size: int) -> None:
    noise = np.random.default_rng(0).normal(size=(21, 30)).astype(np.float32)
    plane = np.zeros((21, 32), np.float32)
    plane[:, :30] = noise
    median(plane, 30, size)
    np.testing.assert_array_equal(plane[:, :30], cv2.medianBlur(noise, size))


@pytest.mark.parametrize("count", [1, 9, 25])
def test_sorting_network_puts_the_median_in_the_middle(count: int) -> None:
    for values in np.random.default_rng(count).permuted(np.tile(np.arange(count), (50, 1)), axis=1):
        for low, high in median_exchanges(count):
            values[[low, high]] = sorted(values[[low, high]])
        assert values[count // 2] == count // 2


def test_pyramid_ends_before_pictures_get_too_small(rocket: np.ndarray) -> None:
    sides = [min(level.shape) for level in pyramid(at_rows(rocket, 160), TvL1Parameters())]
    assert sides[0] == 160 and sides[-1] >= 8 > sides[-1] * 0.7
    assert len(pyramid(at_rows(rocket, 160), opencv_parameters())) == 5
