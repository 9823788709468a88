"""Windows, captions, splits and look-alikes, each by itself."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from footage import textured
from PIL import Image, ImageDraw, ImageFont
from pydantic import ValidationError
from real_media import IMAGE

from reelops.dataset.entry import Entry, Split
from reelops.dataset.metadata.captions import choose_prompt, clean, clean_captions
from reelops.dataset.metadata.duplicates import MOST_BITS, HashIndex, Look, find_duplicates
from reelops.dataset.metadata.fingerprint import fingerprint, picture_hash
from reelops.dataset.metadata.params import CaptionParams, Limits, MetadataParams, SplitParams, WindowParams
from reelops.dataset.metadata.splits import hashed_split, split_origins
from reelops.dataset.metadata.text_share import text_share
from reelops.dataset.metadata.window import Refused, Ticks, choose_window
from reelops.dataset.table import Reason

FRAMES, FPS = 9, 8
LIMITS = Limits(max_still_share=0.5, max_text_share=0.35)


def ticks(count: int = 60) -> Ticks:
    """A clip that moves evenly, with nothing wrong."""
    return Ticks(np.zeros(count), np.full(count, 100.0), np.full(count - 1, 5.0), np.full(count - 1, 0.05))


def chosen(found: Ticks, chance: str = "0") -> int | Reason:
    answer = choose_window(found, FRAMES, FPS, LIMITS, chance)
    return answer.reason if isinstance(answer, Refused) else answer


# ---- windows ----


def test_a_window_crosses_no_cut_and_holds_no_black_frame() -> None:
    clip = ticks()
    clip.breaks_S[[10, 30]] = 0.9
    clip.dark_T[40] = 1.0
    starts = {chosen(clip, str(chance)) for chance in range(200)}
    assert all(isinstance(start, int) for start in starts)
    # Step s joins pictures s and s + 1; a window from `start` has pictures up to start + FRAMES - 1.
    allowed = {*range(0, 10 - FRAMES + 2), *range(11, 30 - FRAMES + 2), *range(31, 40 - FRAMES + 1)}
    allowed |= set(range(41, 60 - FRAMES + 1))
    assert starts == allowed


def test_a_window_is_lively_and_sharp_where_it_can_be() -> None:
    clip = ticks()
    clip.changes_S[:30] = 0.0
    clip.sharp_T[45:] = 10.0
    assert {chosen(clip, str(chance)) for chance in range(50)} <= set(range(30, 40))


def test_the_same_chance_gives_the_same_window_and_another_one_another() -> None:
    assert chosen(ticks(), "a") == chosen(ticks(), "a")
    assert len({chosen(ticks(), str(chance)) for chance in range(30)}) > 10


@pytest.mark.parametrize("reason", [Reason.TOO_SHORT, Reason.BLACK, Reason.CUT_RIDDEN, Reason.STILL])
def test_a_clip_without_a_window_says_why(reason: Reason) -> None:
    clip = ticks(8 if reason is Reason.TOO_SHORT else 60)
    if reason is Reason.BLACK:
        clip.dark_T[::8] = 1.0
    elif reason is Reason.CUT_RIDDEN:
        clip.breaks_S[::7] = 0.8
    elif reason is Reason.STILL:
        clip.changes_S[:] = 0.1
    assert chosen(clip) is reason


def test_a_search_shorter_than_a_window_is_refused() -> None:
    with pytest.raises(ValidationError, match="search_seconds must be at least that"):
        WindowParams(frames=49, fps=8, search_seconds=6)


# ---- captions ----


@pytest.mark.parametrize(
    ("published", "wanted"),
    [
        ("a man is  driving\ta car ,\n fast .", "a man is driving a car, fast."),
        ("<b>Two</b> dogs &amp; a cat<br/>play", "Two dogs & a cat play"),
        ("A cafÃ© in Paris, itâ€™s raining", "A café in Paris, it’s raining"),
        ("cafe\u0301 at\u200b night\x00", "café at night"),
        ("see https://example.org/x now playing chess", "see now playing chess"),
        ("一个男人 在 弹吉他", "一个男人 在 弹吉他"),
        ("5 < 6 and 7 > 2", "5 < 6 and 7 > 2"),
        ("<sks> dog in the style of <lora-style>", "<sks> dog in the style of <lora-style>"),
        ("<v Roger>hi</v> <font color=red>you</font> <title>x</title><c.y>", "hi you x"),
        ("<__dj__video> a cat sleeps <|__dj__eoc|></s>", "a cat sleeps"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u0628\u0631\u0648\u0645",) * 2,
        ("\u0915\u094d\u200d\u0937 \u0d28\u0d4d\u200d",) * 2,
        ("a family \U0001f469\u200d\U0001f469\u200d\U0001f467",) * 2,
        ("a flag \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",) * 2,
        ("a re\u00adcord\u200d of\u2066 rain\u2069", "a record of rain"),
    ],
)
def test_captions_are_mended(published: str, wanted: str) -> None:
    assert clean(published) == wanted


def test_captions_that_say_nothing_go_and_each_stays_once() -> None:
    captions = ("a dog", "...", "", "a dog runs fast", " a dog  runs fast", "<i></i>")
    assert clean_captions(captions, CaptionParams()) == ("a dog runs fast",)


def test_words_are_counted_where_no_spaces_part_them() -> None:
    long = (
        "\u4e00\u53ea\u732b\u5750\u5728\u57ab\u5b50\u4e0a",
        "\u732b\u304c\u901a\u308a\u3092\u6b69\u304f",
        "\u0e41\u0e21\u0e27\u0e19\u0e31\u0e48\u0e07\u0e1a\u0e19\u0e40\u0e2a\u0e37\u0e48\u0e2d",
    )
    assert clean_captions((*long, "\u4e00\u53ea\u732b"), CaptionParams()) == long


def test_a_long_caption_ends_with_a_sentence() -> None:
    caption = "One two three. Four five six. Seven eight nine ten."
    assert clean_captions([caption], CaptionParams(max_words=8)) == ("One two three. Four five six.",)
    assert clean_captions(["a b c d e f"], CaptionParams(max_words=4)) == ("a b c d",)


def test_the_press_template_makes_a_sentence_of_any_caption() -> None:
    press = CaptionParams(template="press")
    prompt = choose_prompt(["a minister speaks"], "news/events/politics", press, "0")
    assert prompt.startswith("News footage, politics: A minister speaks. ")
    assert "report: Dogs run." in choose_prompt(["Dogs run."], None, press, "0")


# ---- splits ----


def entry(number: int, origin: str, split: Split | None = None) -> Entry:
    return Entry("mine", f"clip{number}", (), "CC0", origin, split=split)


def test_splits_hold_when_data_is_added() -> None:
    params = SplitParams()
    few = [entry(number, f"video:{number % 40}") for number in range(80)]
    many = [*few, *(entry(number, f"video:{number}") for number in range(80, 900))]
    before, after = split_origins(few, params, 0), split_origins(many, params, 0)
    assert {origin: after[origin] for origin in before} == before


def test_shares_are_about_what_was_asked_for_and_follow_the_seed() -> None:
    params = SplitParams(validation=0.2, test=0.1)
    splits = [hashed_split(f"video:{number}", params, 0) for number in range(4000)]
    assert splits.count("validation") / 4000 == pytest.approx(0.2, abs=0.02)
    assert splits.count("test") / 4000 == pytest.approx(0.1, abs=0.02)
    assert splits != [hashed_split(f"video:{number}", params, 1) for number in range(4000)]


def test_a_video_of_which_one_clip_is_held_back_is_held_back_as_a_whole() -> None:
    clips = [entry(1, "v:a", "train"), entry(2, "v:a", "test"), entry(3, "v:b", "validation"), entry(4, "v:c", "train")]
    assert split_origins(clips, SplitParams(), 0) == {"v:a": "test", "v:b": "validation", "v:c": "train"}
    with_shares = split_origins(clips, SplitParams(published="held_out", test=0.9, validation=0.0), 0)
    assert with_shares == {"v:a": "test", "v:b": "validation", "v:c": "test"}
    assert split_origins(clips, SplitParams(published="ignore", test=0, validation=0), 0)["v:a"] == "train"


# ---- look-alikes ----


def test_a_picture_keeps_its_hash_when_it_is_scaled_brightened_or_compressed(tmp_path: Path) -> None:
    picture = np.asarray(Image.fromarray(textured(320, 240)).convert("L"))
    Image.fromarray(picture).save(tmp_path / "poor.jpg", quality=30)
    versions = [
        np.asarray(Image.fromarray(picture).resize((150, 110))),
        np.clip(picture.astype(int) + 15, 0, 255).astype(np.uint8),
        np.asarray(Image.open(tmp_path / "poor.jpg")),
    ]
    one = picture_hash(picture)
    assert one is not None
    for version in versions:
        other = picture_hash(version)
        assert other is not None and (one ^ other).bit_count() <= 4
    different = picture_hash(np.asarray(Image.fromarray(textured(320, 240, seed=1)).convert("L")))
    assert different is not None and (one ^ different).bit_count() > 15
    assert picture_hash(np.full((64, 64), 128, np.uint8)) is None
    assert len(fingerprint([picture] * 20)) == 1


def test_the_index_finds_what_comparing_all_with_all_finds() -> None:
    rng = np.random.default_rng(0)
    base = [int.from_bytes(rng.bytes(8)) for _ in range(60)]
    near = [value ^ sum(1 << int(bit) for bit in rng.choice(64, number % 12, replace=False))
            for number, value in enumerate(base)]  # fmt: skip
    for most_bits in (0, 3, MOST_BITS):
        index = HashIndex(most_bits)
        index.add(Look(f"clip{number}", "test", (value,)) for number, value in enumerate(base))
        for wanted in near:
            by_hand = {f"clip{n}" for n, value in enumerate(base) if (value ^ wanted).bit_count() <= most_bits}
            assert index.like(wanted) == by_hand


def test_of_two_that_look_alike_the_one_that_is_held_back_more_strictly_stays() -> None:
    alike = (2**64 - 1, 2**40, 2**20 + 7)
    looks = [
        Look("a-train", "train", alike),
        Look("b-test", "test", alike),
        Look("c-validation", "validation", (*alike[:2], 12345678901234567890)),
        Look("d-train", "train", (0x0F0F0F0F0F0F0F0F, 0x1234123412341234, alike[0])),
        Look("e-train", "train", alike),
    ]
    gone = find_duplicates(looks, 6)
    assert {name: other for name, (other, *_) in gone.items()} == {
        "a-train": "b-test", "c-validation": "b-test", "e-train": "b-test",
    }  # fmt: skip
    assert gone["c-validation"][1:] == (2, 3)
    assert find_duplicates([look for look in looks if look.split == "train"], 6) == {}


def test_ten_thousand_clips_that_all_look_alike_are_no_trouble() -> None:
    looks = [Look(f"{number:05d}", "train" if number % 5 else "test", (7, 8, 9)) for number in range(10_000)]
    gone = find_duplicates(looks, 6)
    assert len(gone) == 8_000 and {other for other, *_ in gone.values()} == {"00000"}


# ---- letters ----


def page(size: int, lines: int, ink: int = 20, paper: int = 235) -> np.ndarray:
    picture = Image.new("L", (320, 240), paper)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size)
    for line in range(lines):
        draw.text((12, 6 + line * size * 1.35), "the quick brown fox jumps over the lazy dog again", ink, font)
    return np.asarray(picture)


def test_a_page_of_text_is_known_by_day_and_by_night() -> None:
    for size, lines in ((12, 16), (18, 9), (24, 7)):
        assert text_share(page(size, lines)) > 0.4
        assert text_share(page(size, lines, ink=235, paper=15)) > 0.4
    assert text_share(page(14, 1)) < 0.15


def check_no_text(paths: Iterable[Path]) -> None:
    for path in paths:
        with Image.open(path) as picture:
            picture.draft("L", (900, 600))
            assert text_share(np.asarray(picture.convert("L"))) < LIMITS.max_text_share, path


def test_photographs_are_no_text(repository: Path) -> None:
    check_no_text([*IMAGE.iterdir(), *(repository / "data/samples").glob("*.jpg")])


def test_further_photographs_are_no_text(more_media: Path) -> None:
    check_no_text(sorted((more_media / "photos").iterdir())[::3])


# ---- params.yaml ----


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"limits": {"smallest_side": 128}}, "smallest_side is now min_side"),
        ({"limits": {"cut": 0.2}}, "cut is now cut_threshold"),
        ({"captions": {"fewest_words": 1}}, "fewest_words is now min_words"),
        ({"most_thrown_out": 0.5}, "most_thrown_out is now max_quarantined_share"),
    ],
)
def test_a_key_of_an_earlier_version_is_refused_by_its_new_name(block: dict, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        MetadataParams.model_validate(block)
