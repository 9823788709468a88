"""Memory over many orders in one process, and whether it grows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from reelops.benchmark.case import Bench
from reelops.benchmark.orders import varied
from reelops.benchmark.report import Figures
from reelops.benchmark.small import SMALL, with_small_profile
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_most
from reelops.clip import ClipOrder
from reelops.progress import RunContext


def measure_memory(bench: Bench, context: RunContext, orders: int = 200, **fields: Any) -> Figures:
    """Resident memory of this process after each of so many clips of the embedded model, and its slope."""
    from reelops.generators.catalogue import Generators

    generators = Generators(bench.config)
    return _followed(bench, context, orders, fields, lambda order: generators.of(order).generate(order).read_frames())


def measure_line_memory(bench: Bench, context: RunContext, orders: int = 200, **fields: Any) -> Figures:
    """The same over the whole production line, from the order to the verdict, of clips by a small network."""
    from reelops.production.producer import build_producer

    producer = build_producer(with_small_profile(bench.config))
    clip = bench.scratch / "clip.mp4"

    def make(order: ClipOrder) -> None:
        producer.produce(order, clip, track=False)
        for path in bench.scratch.glob("clip.*"):
            path.unlink()

    return _followed(bench, context, orders, {"profile": SMALL, **fields}, make)


def _followed(
    bench: Bench, context: RunContext, orders: int, fields: Mapping[str, Any], make: Callable[[ClipOrder], object]
) -> Figures:
    """Memory after each order. The first quarter is left out of the slope: allocators and caches fill up."""
    import psutil

    process, used_mb = psutil.Process(), []
    for number, (seed, prompt, picture) in enumerate(islice(varied(bench), orders)):
        context.raise_if_stopped()
        make(ClipOrder(picture=picture, prompt=prompt, seed=seed, **fields))
        used_mb.append(process.memory_info().rss / 1e6)
        context.progress("memory", number + 1, orders, "clips")
    settled = used_mb[orders // 4 :]
    return {
        "orders": orders,
        "first_mb": used_mb[0],
        "settled_mb": settled[0],
        "last_mb": used_mb[-1],
        **slope_of(settled),
    }


def slope_of(values: Sequence[float]) -> Figures:
    """The slope of a series by least squares, and the 95 % interval around it.

    Memory goes up and down in steps that last for many orders, so what is left beside the line is no independent noise:
    the error is that of Newey and West (1987), Bartlett's weights over the nearest neighbours.
    """
    from scipy.stats import t as student

    heights, count = np.asarray(values, dtype=np.float64), len(values)
    places = np.arange(count) - (count - 1) / 2
    spread = float(places @ places)
    slope = float(places @ heights) / spread
    left = places * (heights - heights.mean() - slope * places)
    lags = math.floor(4 * (count / 100) ** (2 / 9))
    covariance = float(left @ left)
    for lag in range(1, min(lags, count - 1) + 1):
        covariance += 2 * (1 - lag / (lags + 1)) * float(left[lag:] @ left[:-lag])
    error = math.sqrt(max(0.0, covariance) * count / (count - 2)) / spread
    width = float(student.ppf(0.975, count - 2)) * error
    return {"mb_an_order": slope, "low": slope - width, "high": slope + width}


def memory_tables(found: Figures) -> Iterator[Table]:
    """One row."""
    columns = {
        "Orders": "orders",
        "MB after the first": "first_mb",
        "After a quarter": "settled_mb",
        "After the last": "last_mb",
        "MB per order, from then on": "mb_an_order",
        "95 % interval from": "low",
        "to": "high",
    }
    yield Table.of("Memory over many orders in one process", [found], columns)


def memory_targets(found: Figures) -> Iterator[Target]:
    """What an order leaves behind, at its least and at its most."""
    yield at_most("MB that an order surely leaves behind: lower end of the interval", found["low"], 0)
    yield at_most("MB that an order may leave behind: upper end of the interval", found["high"], 1)
