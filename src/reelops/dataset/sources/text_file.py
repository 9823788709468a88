"""The letters of a text file from anywhere: UTF-8, UTF-16, or an older encoding, found out by what is in it.

What is decided, and from which line on, is said. Files are read line by line, however long they are.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from reelops.dataset.entry import OnNote
from reelops.errors import DatasetError
from reelops.foreign import reading_foreign

_LOOKED_AT = 1 << 16  # bytes
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Bytes that are no UTF-8, as Python keeps them in text.
_UNDECODED = re.compile("[\udc80-\udcff]")
_CONTROLS = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_HAN_OR_KANA = re.compile("[\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef]")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fc]")
_HIGH_BYTES = re.compile(rb"[\x80-\xff]+")
# Where letters of another alphabet stand beside each other. Latin ones stand alone between plain ones, and no library
# tells the code pages that have them apart by a few captions.
_ENCODINGS = {
    "gb18030": "GB 18030 (Chinese)",
    "big5": "Big5 (Chinese)",
    "cp932": "Shift-JIS (Japanese)",
    "euc_jp": "EUC-JP (Japanese)",
    "cp949": "Windows-949 (Korean)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "koi8_r": "KOI8-R (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
}
_WINDOWS_1252 = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)}
# A letter of UTF-8 that was cut in the middle.
_CUT_LETTER = re.compile("[\udcc2-\udcf4][\udc80-\udcbf]+")


@dataclass(frozen=True)
class TextFile:
    """A text file whose encoding is known.

    Attributes:
        mends: whether it is UTF-8 with some bytes that are not; these are read as Windows-1252.
        is_utf_8: whether most of what is no ASCII is; a part of a letter is then no letter of Windows-1252.
    """

    path: Path
    encoding: str
    mends: bool = False
    is_utf_8: bool = True

    def lines(self) -> Iterator[str]:
        """Its lines, each with its end; one begins after \\n, \\r\\n or \\r."""
        with _reading(self.path):
            file = self.path.open(
                encoding=self.encoding, newline="", errors="surrogateescape" if self.mends else "replace"
            )
        with file:
            while True:
                with _reading(self.path):
                    line = file.readline()
                if not line:
                    return
                yield self._mended(line) if self.mends and _UNDECODED.search(line) else line

    def read(self) -> str:
        return "".join(self.lines())

    def _mended(self, line: str) -> str:
        return (_CUT_LETTER.sub("\ufffd", line) if self.is_utf_8 else line).translate(_WINDOWS_1252)


def open_text(path: Path, on_note: OnNote) -> TextFile:
    """Finds out how a text file is encoded, and says so where it is no UTF-8.

    Raises:
        DatasetError: it cannot be read.
        MachineError: this machine cannot read it now.
    """
    with _reading(path):
        file = path.open("rb")
    with file, _reading(path):
        head = file.read(_LOOKED_AT)
        marked = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)
        if wide := marked or _utf_16_without_mark(head):
            file.seek(0)
            try:
                for _ in codecs.iterdecode(iter(lambda: file.read(_LOOKED_AT), b""), wide):
                    pass
            except UnicodeDecodeError:
                on_note(f"{path} is damaged UTF-16; some letters of it are missing")
            else:
                if not marked:
                    on_note(f"{path} was read as UTF-16 without its mark")
            return TextFile(path, wide)
        file.seek(0)
        census = _Census.of(file)
    if not census.undecoded:
        return TextFile(path, "utf-8-sig")
    if census.letters < census.undecoded and (encoding := _older_encoding(bytes(census.sample))):
        on_note(
            f"{path} is not UTF-8 in line {census.first_line}; it was read as {_ENCODINGS[encoding]}. Save it as UTF-8 "
            "if letters of it are wrong"
        )
        return TextFile(path, encoding)
    on_note(
        f"{path} is not UTF-8 in line {census.first_line}; what is not was read as Windows-1252, so some letters may "
        "be wrong"
    )
    return TextFile(path, "utf-8-sig", mends=True, is_utf_8=census.letters >= census.undecoded)


def read_text(path: Path, on_note: OnNote) -> str:
    """All of a text file; see `open_text`."""
    return open_text(path, on_note).read()


@dataclass
class _Census:
    """What of a file is UTF-8: letters that are no ASCII, bytes that are none, and some lines that have such."""

    letters: int
    undecoded: int
    first_line: int
    sample: bytearray

    @classmethod
    def of(cls, lines: Iterable[bytes]) -> _Census:
        census = cls(0, 0, 0, bytearray())
        for number, line in enumerate(lines, start=1):
            if line.isascii():
                continue
            text = line.decode("utf-8", "surrogateescape")
            undecoded = len(_UNDECODED.findall(text))
            census.undecoded += undecoded
            census.letters += sum(letter > "\x7f" for letter in text) - undecoded
            if undecoded:
                census.first_line = census.first_line or number
                if len(census.sample) < _LOOKED_AT:
                    census.sample += line if len(line) < _LOOKED_AT else _from_first_undecoded(line)
        return census


def _from_first_undecoded(line: bytes) -> bytes:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return line[error.start :][:_LOOKED_AT]
    return b""


def _utf_16_without_mark(head: bytes) -> str | None:
    """UTF-16 whose mark is missing has bytes that no other text has, or is all Han and kana."""
    if len(head) % 2:  # of the whole file, where it is so short
        return None
    views = {encoding: _strictly(head, encoding) for encoding in ("utf-16-le", "utf-16-be")}
    clean = {encoding: text for encoding, text in views.items() if text and not _CONTROLS.search(text)}
    narrow = _strictly(head, "utf-8")
    if not clean or (narrow is not None and len(_CONTROLS.findall(narrow)) * 4 < len(narrow)):
        return None
    if b"\0" in head:
        return max(clean, key=lambda encoding: _plain_letters(clean[encoding]))
    if _japanese_encoding(head):
        return None
    return next(
        (encoding for encoding, text in clean.items() if len(text) > 3 and all(map(_HAN_OR_KANA.match, text))), None
    )


def _plain_letters(text: str) -> tuple[int, int]:
    ascii_letters = sum(letter.isascii() for letter in text)
    return ascii_letters + len(_HAN_OR_KANA.findall(text)), ascii_letters


def _strictly(data: bytes, encoding: str) -> str | None:
    """Decoded; None where the data is not of that encoding. A letter may be cut at the end."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return None


def _older_encoding(sample: bytes) -> str | None:
    """The encoding of text in another alphabet; None where its letters stand alone, as those of Latin do."""
    runs = [len(run) for run in _HIGH_BYTES.findall(sample)]
    if sum(length for length in runs if length > 1) * 2 <= sum(runs):
        return None
    if japanese := _japanese_encoding(sample):
        return japanese
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=list(_ENCODINGS)).best()
    return best.encoding if best and best.encoding in _ENCODINGS else None


def _japanese_encoding(data: bytes) -> str | None:
    """Japanese has kana, which no other text has in its place, however few letters there are to tell by."""
    for encoding in ("cp932", "euc_jp"):
        text = _strictly(data, encoding) or ""
        letters = sum(not letter.isascii() for letter in text)
        if letters and len(_KANA.findall(text)) * 4 >= letters:
            return encoding
    return None


def _reading(path: Path) -> AbstractContextManager[None]:
    return reading_foreign(path, DatasetError, "cannot be read", "check the path in params.yaml")
