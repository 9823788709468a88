"""Files of orders in every form that is read, damaged as text and as values."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

from reelops.production.batch.requests import Request, check_requests, read_requests
from tests.fuzz.fuzzer import Fuzzer, Mutant
from tests.fuzz.mutation import chosen_mutation, odd_values

_ODD: tuple[Callable[[], Any], ...] = (
    *(lambda: None, lambda: True, lambda: -1, lambda: 10**400, lambda: 1e308, lambda: float("nan"), lambda: [1]),
    *(lambda: {"a": {}}, lambda: "", lambda: "\ud83d", lambda: "a\0b", lambda: "../../../etc/a", lambda: "x" * 5000),
    *(lambda: "\x1b[2J\n\r\u2028", lambda: "a=0.5,b=,=1", lambda: "480p", lambda: "~nobody/a", lambda: "CON.mp4"),
)
_ROWS: list[dict[str, Any]] = [
    {"image_path": "a.png", "prompt": "pan left, slowly", "num_inference_steps": 4, "output": "one"},
    {"picture": "b.png", "prompt": "\u201czoom\u201d in\nand out", "seed": 7, "guidance_scale": 1.5, "x-desk": "city"},
    {
        "picture": "c.png",
        "prompt": "caf\u00e9",
        "adapter": "dusk",
        "more_adapters": "rain=0.8",
        "size": "720p",
        "id": 3,
    },
]
_TABLE = (
    'picture;prompt;seed;output\na.png;"Two; it is.";1;one\n\nb.png;"zoom\nin";;\n'
    "c.png;\u4e00\u53ea\u732b\u5750\u5728\u57ab\u5b50\u4e0a;2;three.mp4\n"
)


@cache
def _files() -> dict[str, tuple[bytes, ...]]:
    import pandas as pd

    parquet = BytesIO()
    pd.DataFrame(_ROWS).to_parquet(parquet)
    return {
        ".json": (json.dumps(_ROWS).encode(), json.dumps({"defaults": {"seed": 1}, "jobs": _ROWS}).encode("utf-16")),
        ".jsonl": ("\n".join(map(json.dumps, _ROWS)).encode(),),
        ".csv": (_TABLE.encode(), _TABLE.encode("utf-16-le"), _TABLE.replace(";", ",").encode("gb18030")),
        ".tsv": (_TABLE.replace(";", "\t").encode("utf-8-sig"),),
        ".parquet": (parquet.getvalue(),),
    }


def _mutant(random: Random) -> Mutant:
    suffix = random.choice(list(_files()))
    if suffix in (".json", ".jsonl") and random.random() < 0.6:
        rows = odd_values(_ROWS, _ODD, random)
        lines = rows if suffix == ".jsonl" and isinstance(rows, list) else [rows]
        return Mutant("\n".join(map(json.dumps, lines)).encode(), suffix)
    data = random.choice(_files()[suffix])
    if suffix == ".parquet" and random.random() < 0.5:
        # What is in it is told at its end.
        at = random.randrange(len(data) // 2, len(data))
        return Mutant(data[:at] + chosen_mutation(data[at:], [data], random), suffix)
    return Mutant(chosen_mutation(data, [data, b"\xff\xfe\0\xd8"], random), suffix)


def _try(path: Path) -> None:
    """What a batch does with it before anything is made."""
    rows, problems = check_requests(path, lambda _: None)
    assert all(str(path) in line and "\n" not in line for line in problems.kept), problems.kept
    requests = list(read_requests(path, problems.rows))
    assert len(requests) == rows - problems.count, "each row is an order or a problem"
    for request in requests:
        assert Request.from_json(json.loads(json.dumps(request.to_json()))) == request
        assert request.clip_of_try(path.parent, "0123456789abcdef", 1).parent == path.parent


FUZZERS = (Fuzzer("orders", 6000, 150, _mutant, _try, libraries=("pyarrow",)),)
