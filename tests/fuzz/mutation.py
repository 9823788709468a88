"""How bytes are spoilt, for fuzzers of every format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

_BYTES = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)
_EDGES = (0, 1, -1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 62)
_HEAD = 400  # where headers are


def spoilt(data: bytes, random: Random, edits: int | None = None) -> bytes:
    """`data` after a few edits, most of them in its first 400 bytes; never empty."""
    spoiled = bytearray(data)
    for _ in range(edits or random.choice((1, 1, 2, 4, 8))):
        random.choice(_EDITS)(spoiled, _place(spoiled, random), random)
        if not spoiled:
            spoiled[:] = data[:1]
    return bytes(spoiled)


def cut(data: bytes, random: Random) -> bytes:
    """The beginning of `data`, at least one byte of it."""
    return data[: random.randint(1, max(1, len(data) - 1))]


def glued(one: bytes, other: bytes, random: Random) -> bytes:
    """The beginning of one file and the end of another."""
    return cut(one, random) + other[random.randrange(len(other)) :]


def edge_number(random: Random, size: int, order: str) -> bytes:
    """A number that counters and lengths overflow at, as `size` bytes in `order` (`big` or `little`)."""
    number = random.choice(_EDGES) + random.choice((0, 0, 1, -1))
    return (number % (1 << 8 * size)).to_bytes(size, "big" if order == "big" else "little")


def chosen_mutation(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """Spoilt bytes mostly; now and then a file cut short, or two glued together."""
    chance = random.random()
    if chance < 0.8:
        return spoilt(data, random)
    return cut(data, random) if chance < 0.9 else glued(data, random.choice(others), random)


def odd_values(value: Any, odd: Sequence[Callable[[], Any]], random: Random) -> Any:
    """A value of JSON's kinds in which now and then something is missing, or an odd one stands in its place."""
    if random.random() < 0.08:
        return random.choice(odd)()
    if isinstance(value, dict):
        return {key: odd_values(one, odd, random) for key, one in value.items() if random.random() > 0.03}
    if isinstance(value, list):
        return [odd_values(one, odd, random) for one in value]
    return value


def _place(data: bytearray, random: Random) -> int:
    return random.randrange(len(data)) if random.random() < 0.3 else random.randrange(min(len(data), _HEAD))


def _set_byte(data: bytearray, at: int, random: Random) -> None:
    data[at] = random.choice((*_BYTES, random.randrange(256)))


def _flip_bit(data: bytearray, at: int, random: Random) -> None:
    data[at] ^= 1 << random.randrange(8)


def _insert(data: bytearray, at: int, random: Random) -> None:
    data[at:at] = random.randbytes(random.choice((1, 2, 4, 16)))


def _remove(data: bytearray, at: int, random: Random) -> None:
    del data[at : at + random.choice((1, 2, 4, 8, 64))]


def _set_number(data: bytearray, at: int, random: Random) -> None:
    size = random.choice((2, 4, 8))
    if at + size <= len(data):
        data[at : at + size] = edge_number(random, size, random.choice(("big", "little")))


def _repeat(data: bytearray, at: int, random: Random) -> None:
    data[at:at] = data[at : at + random.choice((1, 4, 32, 200))]


def _blank(data: bytearray, at: int, random: Random) -> None:
    end = min(len(data), at + random.choice((4, 16, 64)))
    data[at:end] = bytes([random.choice((0, 0xFF))]) * (end - at)


_EDITS: tuple[Callable[[bytearray, int, Random], None], ...] = (
    _set_byte,
    _set_byte,
    _set_byte,
    _flip_bit,
    _flip_bit,
    _insert,
    _remove,
    _set_number,
    _set_number,
    _repeat,
    _blank,
)
