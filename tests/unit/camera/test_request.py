"""What is understood of a prompt: moves in ten languages, several, and those that are not wanted."""

from __future__ import annotations

import time
import unicodedata

import pytest
from foreign_camera_words import PHRASINGS

from reelops.camera.foreign_moves import foreign_moves
from reelops.camera.languages import LANGUAGES
from reelops.camera.moves import CameraMove, CameraSpeed
from reelops.camera.request import camera_request
from reelops.camera.words import PHRASES

IN, OUT, LEFT, RIGHT = CameraMove.ZOOM_IN, CameraMove.ZOOM_OUT, CameraMove.PAN_LEFT, CameraMove.PAN_RIGHT
UP, DOWN, STATIC = CameraMove.TILT_UP, CameraMove.TILT_DOWN, CameraMove.STATIC


def bare(text: str) -> str:
    """Without accents, as many type; vowel signs of Hindi are letters, which nobody leaves out."""
    parts = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(one for one in parts if not 0x300 <= ord(one) < 0x370))


@pytest.mark.parametrize("language", PHRASINGS)
@pytest.mark.parametrize("move", list(CameraMove))
def test_a_move_is_understood_in_any_usual_phrasing_case_and_spelling(language: str, move: CameraMove) -> None:
    phrasings = PHRASINGS[language][move].split("|")
    assert len(set(phrasings)) >= 8
    for phrasing in phrasings:
        for spelt in (phrasing, phrasing.upper(), bare(phrasing), unicodedata.normalize("NFD", phrasing)):
            assert camera_request(spelt).moves == (move,), spelt


def test_every_language_of_the_table_is_tried() -> None:
    assert [language.name for language in LANGUAGES] == list(PHRASINGS)
    assert all(set(moves) == set(CameraMove) for moves in PHRASINGS.values())


@pytest.mark.parametrize(
    "prompt",
    [
        "Eine Frau geht nach links",
        "Die Kamera zeigt einen Bus, der nach links fährt",
        "Un homme marche vers la droite",
        "Una mujer sube la escalera",
        "Uma criança corre para a esquerda",
        "Un uomo scende le scale",
        "رجل يمشي إلى اليسار",
        "一个男人向左走",
        "एक आदमी बाईं ओर चलता है",
        "男の人が左へ歩く",
        "A bus drives along the Via Sinistra",
        "Ein Bus fährt nach links",
        "画面中一个人向左走",
        "Panoramic shot of a destroyed city",
        "The camera shows a girl in a destroyed house",
        "Panoramic apartment view",
        "An image of a man descending the stairs",
        "no zoom no pan",
        "They zoom a little too fast",
    ],
)
def test_what_people_in_the_picture_do_is_no_move_in_any_language(prompt: str) -> None:
    assert camera_request(prompt).moves == ()


@pytest.mark.parametrize(
    ("prompt", "moves", "denied"),
    [
        ("zoom in then pan left", (IN, LEFT), ()),
        ("do not zoom in, pan right", (RIGHT,), (IN,)),
        ("no zoom in", (), (IN,)),
        ("slow zoom in. The camera zooms in.", (IN,), ()),
        ("Die Kamera zoomt heran, dann schwenkt sie nach links", (IN, LEFT), ()),
        ("kein Zoom in, sondern Schwenk nach rechts", (RIGHT,), (IN,)),
        ("pas de zoom avant, panoramique à droite", (RIGHT,), (IN,)),
        ("sin zoom hacia adentro, paneo a la derecha", (RIGHT,), (IN,)),
        ("La cámara se aleja y se mueve a la derecha", (OUT, RIGHT), ()),
        ("não aproxima a câmera, panorâmica para a esquerda", (LEFT,), (IN,)),
        ("niente zoom in avanti, panoramica a sinistra", (LEFT,), (IN,)),
        ("不要推近，镜头向右摇", (RIGHT,), (IN,)),
        ("ズームインしないで、右にパン", (RIGHT,), (IN,)),
        ("ज़ूम इन मत करो, दाएं पैन", (RIGHT,), (IN,)),
        ("لا تقترب الكاميرا، الكاميرا تتحرك إلى اليمين", (RIGHT,), (IN,)),
    ],
)
def test_several_moves_and_those_not_wanted_are_told_apart(
    prompt: str, moves: tuple[CameraMove, ...], denied: tuple[CameraMove, ...]
) -> None:
    request = camera_request(prompt)
    assert (request.moves, request.denied) == (moves, denied)


@pytest.mark.parametrize(
    ("prompt", "phrase"),
    [
        ("La cámara se aleja lentamente", "slow zoom out"),
        ("schneller Schwenk nach links", "fast pan left"),
        ("镜头慢慢向右平移", "slow pan right"),
        ("カメラが上を向く", "tilt up"),
        ("Ein langsamer Fluss, schneller Schwenk nach links", "fast pan left"),
        ("Langsame Fahrt nach rechts", "slow pan right"),
        ("La cámara se aleja, lentamente", "slow zoom out"),
        ("Kameraschwenk nach links", "pan left"),
        ("Vielleicht zoomt die Kamera heran", "zoom in"),
        ("Rascher Kameraschwenk nach links", "fast pan left"),
        ("zoom avant sur une lentille", "zoom in"),
        ("zoom avant, elle survive", "zoom in"),
        ("zoom in avanti sul primo piano", "zoom in"),
        ("la telecamera si avvicina piano", "slow zoom in"),
        ("快乐的孩子，镜头推进", "zoom in"),
        ("镜头快速推进", "fast zoom in"),
        ("早朝の港、カメラが右にパンする", "pan right"),
        ("静かな湖、カメラが右にパンする", "pan right"),
        ("plan fixe", "static"),
        ("a harbour", "slow zoom in"),
    ],
)
def test_a_move_is_said_in_english_with_its_speed(prompt: str, phrase: str) -> None:
    assert camera_request(prompt).phrase == phrase


@pytest.mark.parametrize(
    ("prompt", "moves"),
    [
        ("A harbour at dusk. The camera zooms\nin slowly.", ["zoom in"]),
        ("A harbour at dusk. The camera pans to\r\n  the left.", ["pan left"]),
        ("Die Kamera schwenkt\nnach rechts", ["pan right"]),
        ("zoom in\npan left", ["zoom in", "pan left"]),
        ("A frying pan\n\nLeft: a stove", []),
    ],
)
def test_a_prompt_that_an_editor_wrapped_is_read_across_the_ends_of_its_lines(prompt: str, moves: list[str]) -> None:
    assert [move.words for move in camera_request(prompt).moves] == moves


def test_english_is_read_as_english() -> None:
    for move, phrases in PHRASES.items():
        for phrase in phrases:
            for speed, word in ((CameraSpeed.SLOW, "slow"), (CameraSpeed.NORMAL, "")):
                request = camera_request(phrase.format(slow=word, slowly=word and "slowly"))
                assert request.is_english and request.moves == (move,)
                assert move is STATIC or "{" not in phrase or request.speed is speed


def test_what_was_understood_is_a_sentence() -> None:
    assert camera_request("slow zoom in").described() == "the camera move asked for is slow zoom in"
    assert "only one is made: zoom in" in camera_request("zoom in then pan left").described()
    none = camera_request("orbit around the tram, no zoom in").described()
    assert "names no camera move" in none and "static" in none and none.endswith("not wanted: zoom in")


def test_the_longest_prompts_are_read_in_no_time() -> None:
    began = time.process_time()
    foreign_moves("a harbour at dusk, the boats and the gulls; " * 1000)
    assert time.process_time() - began < 5
