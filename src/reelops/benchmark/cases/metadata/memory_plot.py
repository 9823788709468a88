"""The picture of memory over clips: flat lines, or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_WIDTH, _HEIGHT = 640, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 40, 44
_LINES = (("main_mb", "#4a7fd0", "the process that leads"), ("worker_mb", "#d98a3d", "the largest that measures"))
_TICKS = 4


def memory_svg(samples: Sequence[Mapping[str, float]], title: str) -> str:
    """An SVG on no ground, in colours that can be seen on light and dark: megabytes over clips that are done.

    Args:
        samples: each with `clips`, `main_mb` and `worker_mb`.
    """
    most_clips = max((one["clips"] for one in samples), default=0) or 1
    most_mb = _round_up(max((one[name] for one in samples for name, *_ in _LINES), default=1.0))

    def at(clips: float, mb: float) -> tuple[float, float]:
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * clips / most_clips
        return round(x, 1), round(_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * mb / most_mb, 1)

    parts = [f'<text x="{_LEFT}" y="20" font-size="14">{title}</text>']
    for tick in range(_TICKS + 1):
        mb, clips = most_mb * tick / _TICKS, most_clips * tick / _TICKS
        (x, _), (_, y) = at(clips, 0), at(0, mb)
        parts.append(f'<path d="M{_LEFT} {y}H{_WIDTH - _RIGHT}" stroke="#8886"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{mb:,.0f} MB</text>')
        anchor = "end" if tick == _TICKS else "middle"
        parts.append(f'<text x="{x}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="{anchor}">{clips:,.0f}</text>')
    for number, (name, colour, words) in enumerate(_LINES):
        points = " ".join(f"{x},{y}" for x, y in (at(one["clips"], one[name]) for one in samples if one[name]))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        x = _LEFT + 90 + 240 * number
        parts.append(f'<path d="M{x} {_HEIGHT - 8}h24" stroke="{colour}" stroke-width="3"/>')
        parts.append(f'<text x="{x + 30}" y="{_HEIGHT - 4}">{words}</text>')
    parts.append(f'<text x="{_LEFT}" y="{_HEIGHT - 4}">clips done</text>')
    style = 'font-family="system-ui, sans-serif" font-size="12" fill="#888"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" {style}>'
    return "\n".join((head, *parts, "</svg>")) + "\n"


def _round_up(value: float) -> float:
    """To a number whose quarters are round."""
    step = 40 if value < 400 else 400
    return -(-value // step) * step
