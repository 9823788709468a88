"""What a server says of a file before it sends it: no header is used that was not looked at."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath

import httpx

from reelops.dataset.fetch.download.failures import Gone, Passing, Refused
from reelops.foreign import printable, reading_foreign

# With a Location they say where the file is (RFC 9110 section 15.4); 304, 305 and 306 do not.
_REDIRECTS = frozenset({300, 301, 302, 303, 307, 308})
# Asking again in a while helps (RFC 9110 section 15, RFC 6585 section 4, RFC 8470 section 5.2).
_PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_GONE_STATUS = frozenset({404, 410})
_WEB_PAGES = ("text/html", "application/xhtml+xml")
# Eighteen digits are an exabyte; Python's own numbers would go on.
_NUMBER = re.compile(r"[0-9]{1,18}")
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", re.IGNORECASE)
# Strong, and of letters that may be sent back in a request (RFC 9110 section 8.8.3).
_STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e]*"')
_LONGEST_TEXT = 80


@dataclass(frozen=True)
class Coming:
    """What an answer with a good status brings.

    Attributes:
        first: position of its first byte in the file.
        size_bytes: of what it brings; None where its end will tell.
        total: bytes of the whole file; None where the server does not say.
        validator: what may stand in If-Range: the version of the file that these bytes are of.
        is_part: whether it may be less than the file (206).
        tells_its_end: whether a broken connection can be told from the end of what it brings.
    """

    first: int
    size_bytes: int | None
    total: int | None
    validator: str | None
    is_part: bool
    tells_its_end: bool


def coming_of(url: str, answer: httpx.Response) -> Coming:
    """What an answer of status 200 or 206 brings.

    Raises:
        Refused: it is not the file's bytes as they are.
        Passing: it is a part of the file, and does not say which.
    """
    packing = answer.headers.get("content-encoding", "").strip().lower()
    if packing not in ("", "identity"):
        raise Refused(f"sends its bytes packed as {_shown(packing)}, though asked not to")
    if _is_web_page(url, answer):
        raise Refused("answers with a web page instead of the file; it may want a login or a click")
    length = _number(answer, "content-length")
    if answer.status_code != 206:
        is_chunked = "chunked" in answer.headers.get("transfer-encoding", "").lower()
        return Coming(0, length, length, _validator(answer), False, is_chunked or length is not None)
    match = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", "").strip())
    if not match:
        raise Passing(f"does not say which part of the file it sends ({_said(answer, 'content-range')})")
    first, last, total = int(match[1]), int(match[2]), None if match[3] == "*" else int(match[3])
    size = last - first + 1
    if size < 1 or (total is not None and last >= total) or length not in (None, size):
        raise Passing(f"sends a part of the file that cannot be ({_said(answer, 'content-range')})")
    return Coming(first, size, total, _validator(answer), True, True)


def location_of(answer: httpx.Response) -> str | None:
    """Where an answer sends on to, as it says it; None where it does not."""
    location: str | None = answer.headers.get("location") if answer.status_code in _REDIRECTS else None
    return location


def check_status(answer: httpx.Response, max_wait_seconds: float) -> None:
    """Lets 200 and 206 pass, and 416, which speaks of what is here and not of the file.

    Raises:
        Gone, Passing, Refused: for everything else.
    """
    status = answer.status_code
    if status in (200, 206, 416):
        return
    said = f"{status} {_shown(answer.reason_phrase)}" if answer.reason_phrase else f"{status}"
    if status in _GONE_STATUS:
        raise Gone(f"gone ({said})")
    if status in _REDIRECTS:
        raise Refused(f"refused ({said}): it is elsewhere, and the server does not say where")
    if status not in _PASSING_STATUS:
        hint = "; it may want a login, or not be given to this country or machine" if status in (401, 403, 451) else ""
        raise Refused(f"refused ({said}){hint}")
    wait = _retry_after(answer)
    if wait > max_wait_seconds:
        raise Refused(f"asks to be left alone for {wait:,.0f} s ({said}); run again then")
    raise Passing(f"does not answer now ({said})", wait)


def _is_web_page(url: str, answer: httpx.Response) -> bool:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in _WEB_PAGES and PurePosixPath(httpx.URL(url).path).suffix.lower() not in (".html", ".htm")


def _number(answer: httpx.Response, name: str) -> int | None:
    given = answer.headers.get(name)
    if given is None:
        return None
    if not _NUMBER.fullmatch(given.strip()):
        raise Refused(f"says that it sends {_shown(given)} bytes")
    return int(given)


def _validator(answer: httpx.Response) -> str | None:
    """A strong ETag, or a date of change that tells versions apart (RFC 9110 section 13.1.5).

    A file that changed within the second of the answer may change in it once more and keep its date (section 8.8.2.2).
    """
    etag = answer.headers.get("etag", "")
    if _STRONG_ETAG.fullmatch(etag):
        return str(etag)
    changed, sent = _date(answer, "last-modified"), _date(answer, "date")
    if changed and sent and sent - changed >= timedelta(seconds=1):
        return str(answer.headers["last-modified"])
    return None


def _retry_after(answer: httpx.Response) -> float:
    """Seconds; the header gives them, or a date (RFC 9110 section 10.2.3). What is neither asks for no wait."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    date = _date(answer, "retry-after")
    return max(0.0, date.timestamp() - time.time()) if date else 0.0


def _date(answer: httpx.Response, name: str) -> datetime | None:
    """The moment that a header names; None where it names none."""
    value = answer.headers.get(name, "")
    if not value.isascii():
        return None
    try:
        with reading_foreign(name, Refused, "is no date"):
            return _in_greenwich(parsedate_to_datetime(value))
    except Refused:
        return None


def _in_greenwich(date: datetime) -> datetime:
    """A date without a zone is told in Greenwich's (RFC 9110 section 5.6.7)."""
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)


def _said(answer: httpx.Response, name: str) -> str:
    given = answer.headers.get(name)
    return f"no {name}" if given is None else f"{name}: {_shown(given)}"


def _shown(text: str) -> str:
    line = printable(text)
    return line if len(line) <= _LONGEST_TEXT else f"{line[:_LONGEST_TEXT]}..."
