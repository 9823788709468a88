"""Words in pictures: the right letters in any script, and never boxes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image, ImageDraw, features

from reelops.video import lettering, typefaces
from reelops.video.contact_sheet import contact_sheet
from reelops.video.lettering import cut_to, direction_of, draw_text, runs_of, text_width, undrawable_note, wrapped
from reelops.video.side_by_side import side_by_side
from reelops.video.typefaces import SHIPPED

CHINESE = "镜头缓慢地向右平移"
SHIPPED_SCRIPTS = {
    "German": "Langsamer Zoom auf das Gebäude, größer — “nah”",
    "French": "La caméra s'éloigne du cœur de la façade naïve",
    "Polish": "Łódź, żółw, gęś",
    "Icelandic": "Þórður á Ægisgötu",
    "Turkish": "İstanbul'da ışık, ğüşöç",
    "Vietnamese": "Phóng to chậm vào tòa nhà cổ kính",
    "Russian": "Медленный наезд на башню",
    "Ukrainian": "Повільне наближення до ґанку, їжак, є",
    "Greek": "Αργό ζουμ στο κάστρο, ΐ ΰ",
    "Arabic": "الكاميرا تتحرك ببطء نحو اليسار",
    "Hebrew": "המצלמה נעה לאט שמאלה",
    "typography": "3 × 4 … €5 – 20 °C",
}


@pytest.fixture
def fonts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine whose fonts are those of one folder, empty at first; told of without fontconfig."""
    monkeypatch.setattr(typefaces.sys, "platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path / "no programs"))
    monkeypatch.setenv("HOME", str(tmp_path / "no home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "none shared"))
    folder = tmp_path / "fonts"
    folder.mkdir()
    forget()
    yield folder
    forget()


def forget() -> None:
    """What is known of this machine's fonts, which is looked up once a process."""
    typefaces._faces_of_machine.cache_clear()
    typefaces._face_of_machine.cache_clear()


def write_font(path: Path, characters: str) -> None:
    """A font whose every glyph is one filled square, as high as the letters."""
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for corner in ((100, 800), (900, 800), (900, 0)):
        pen.lineTo(corner)
    pen.closePath()
    square, names = pen.glyph(), {ord(one): f"u{ord(one):04X}" for one in characters}
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", *names.values()])
    font.setupCharacterMap(names)
    font.setupGlyf(dict.fromkeys([".notdef", *names.values()], square))
    font.setupHorizontalMetrics(dict.fromkeys([".notdef", *names.values()], (1000, 100)))
    font.setupHorizontalHeader(ascent=900, descent=-200)
    font.setupNameTable({"familyName": path.stem, "styleName": "Regular"})
    font.setupOS2(sTypoAscender=900, sTypoDescender=-200)
    font.setupPost()
    font.save(path)


def drawn(text: str, size: int = 40) -> np.ndarray:
    """A line as grey levels (H, W)."""
    picture = Image.new("L", (max(1, round(text_width(text, size))) + 40, 2 * size))
    draw_text(ImageDraw.Draw(picture), (20, 0), text, 255, size)  # type: ignore[arg-type]
    return np.asarray(picture)


def box_of_no_character() -> np.ndarray:
    mask = SHIPPED.at(40).getmask("\U000e1234")
    return np.asarray(mask).reshape(mask.size[::-1])


@pytest.mark.parametrize("script", SHIPPED_SCRIPTS)
def test_the_shipped_font_draws_every_letter_of_these_scripts_apart(fonts: Path, script: str) -> None:
    text = SHIPPED_SCRIPTS[script]
    assert [run.face for run in runs_of(text)] == [SHIPPED]
    assert undrawable_note(text, "It") == ()
    box = box_of_no_character()
    for letter in {letter for letter in text if letter.isalpha()}:
        mask = SHIPPED.at(40).getmask(letter)
        assert mask.size != box.shape[::-1] or not np.array_equal(np.asarray(mask).reshape(box.shape), box), letter


def test_decomposed_letters_are_drawn_as_composed_ones(fonts: Path) -> None:
    assert np.array_equal(drawn("Gebäude, cổ"), drawn("Geba\u0308ude, co\u0302\u0309"))


@pytest.mark.skipif(not features.check("raqm"), reason="Pillow finds no libfribidi here")
def test_arabic_letters_are_joined_and_read_from_the_right(fonts: Path) -> None:
    alone = sum(text_width(letter, 40) for letter in "تتحرك")
    assert text_width("تتحرك", 40) < 0.9 * alone, "joined letters are narrower than letters that stand alone"
    mixed = drawn("نحو i")
    strokes = np.flatnonzero(mixed.any(axis=0))
    i_alone = drawn("i")
    i_columns = np.flatnonzero(i_alone.any(axis=0))
    width = i_columns[-1] - i_columns[0] + 1
    at_the_left = mixed[:, strokes[0] : strokes[0] + width]
    assert np.array_equal(at_the_left, i_alone[:, i_columns[0] : i_columns[-1] + 1]), "what is read last is at the left"


def test_a_title_that_is_read_from_the_right_stands_at_the_right() -> None:
    frames = np.full((4, 60, 160, 3), 90, np.uint8)
    for title, side in (("zoom", "left"), ("زوم", "right")):
        title_rows = np.asarray(contact_sheet(frames, title=title, cell_width=160))[20:50]
        columns = np.flatnonzero((title_rows > 100).any(axis=(0, 2)))
        centre = columns.mean() / title_rows.shape[1]
        assert (centre < 0.2) if side == "left" else (centre > 0.8)


def test_what_the_shipped_font_lacks_is_drawn_with_a_font_of_this_machine(fonts: Path) -> None:
    write_font(fonts / "Squares.ttf", CHINESE)
    assert [run.text for run in runs_of(f"pan right {CHINESE[:2]}, 3 s")] == ["pan right ", CHINESE[:2], ", 3 s"]
    assert undrawable_note(CHINESE, "It") == ()
    squares = drawn(CHINESE[:2])
    assert (squares == 255).sum() == pytest.approx(2 * 32 * 32, rel=0.02), "two squares of 0.8 of 40 pixels"


def test_fontconfig_is_asked_where_it_is(fonts: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "/usr/local/bin:/usr/bin:/bin")
    if typefaces.shutil.which("fc-list") is None:
        pytest.skip("fontconfig is not installed")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    write_font(elsewhere / "Squares.ttf", CHINESE)
    config = tmp_path / "fonts.conf"
    config.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f"<dir>{elsewhere}</dir><cachedir>{tmp_path / 'cache'}</cachedir></fontconfig>"
    )
    monkeypatch.setenv("FONTCONFIG_FILE", str(config))
    assert [run.face.path.name for run in runs_of(CHINESE)] == ["Squares.ttf"]
    assert undrawable_note("हिन्दी", "It") != ()


def test_what_no_font_has_is_named_and_never_a_box(fonts: Path) -> None:
    assert runs_of("pan right 城市, 夜景 at dusk")[0].text == "pan right [4 Chinese characters] at dusk"
    assert runs_of("ज़ूम")[0].text == "[2 Devanagari characters]"
    assert undrawable_note("카메라 이동", "The contact sheet") == (
        "The contact sheet leaves out Hangul characters: no font here has them. "
        "Install one that does, such as Noto Sans.",
    )


def test_a_font_that_is_none_is_passed_over(fonts: Path) -> None:
    (fonts / "A sans.ttf").write_bytes(b"\0\1\0\0 no font")
    (fonts / "B sans.ttf").write_bytes(b"")
    write_font(fonts / "Squares.ttf", CHINESE)
    assert [run.face.path.name for run in runs_of(CHINESE)] == ["Squares.ttf"]


def test_without_libfribidi_a_script_that_must_be_joined_is_named_and_the_note_says_what_to_install(
    fonts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lettering, "shapes", lambda: False)
    assert runs_of("zoom نحو")[0].text == "zoom [3 Arabic characters]"
    (note,) = undrawable_note("نحو", "It")
    assert "libfribidi" in note


@pytest.mark.parametrize(
    "text",
    ["word " * 400, "x" * 2000, CHINESE * 100, "الكاميرا تتحرك ببطء " * 50, "Donaudampfschifffahrtsgesellschaft " * 40],
)
def test_a_long_text_is_cut_after_three_lines_and_keeps_its_ending(fonts: Path, text: str) -> None:
    write_font(fonts / "Squares.ttf", CHINESE)
    lines = wrapped(text, 20, 500, 3, "(seed 7)")
    assert len(lines) == 3
    assert all(text_width(line, 20) <= 500 for line in lines)
    assert lines[-1].endswith("… (seed 7)")
    shown = "".join(lines)[: -len("… (seed 7)")].replace(" ", "")
    assert text.replace(" ", "").startswith(shown), "in order, with nothing lost between the lines"


def test_a_text_that_fits_is_whole() -> None:
    assert wrapped("slow zoom in", 20, 500, 3, "(seed 7)") == ["slow zoom in (seed 7)"]
    assert wrapped("", 20, 500, 3) == []
    assert cut_to("base", 20, 500) == "base"


def test_a_label_that_is_too_wide_stays_in_its_half() -> None:
    black = np.zeros((2, 64, 96, 3), np.uint8)
    frame = next(iter(side_by_side(black, black, ("an adapter with a very long name", "ä"))))
    header = frame[:16].astype(int)
    assert (header[:, 90:100] == header[0, 95]).all(), "the gap is free"
    assert np.abs(header[:, 100:] - header[0, 95]).max() > 150, "and the other label is there"


def test_breaks_and_controls_are_drawn_as_spaces_or_not_at_all() -> None:
    assert "".join(run.text for run in runs_of("a\nb\tc\x07\u202ed")) == "a b cd"
    assert direction_of("3 نحو zoom") == "rtl" and direction_of("3 zoom نحو") == "ltr" and direction_of("123") == "ltr"
