"""Draws charts in a second process, while this one goes on with other work."""

import multiprocessing
from collections.abc import Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from types import TracebackType

import vl_convert

from annotation.report.charts.chart import SCALE, Chart

NOTHING = {"mark": "point", "data": {"values": []}}


class Artist:
    """A process that draws; if it dies, charts draw themselves when they are asked for.

    A thread would not do: vl-convert lets no other one run.
    """

    def __init__(self) -> None:
        self._charts: list[Chart] = []
        self._svgs: list[Future[str]] = []
        self._pngs: list[Future[bytes]] = []

    def __enter__(self) -> "Artist":
        self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        self._pool.submit(vl_convert.vegalite_to_svg, NOTHING)  # the first one takes longest
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def draw(self, charts: Iterable[Chart]) -> None:
        """Begin to draw these, after all others."""
        charts = list(charts)
        self._charts += charts
        with suppress(BrokenProcessPool):
            for chart in charts:
                self._svgs.append(self._pool.submit(vl_convert.vegalite_to_svg, dict(chart.spec)))
            while len(self._pngs) < len(self._svgs) and self._svgs[len(self._pngs)].done():
                self._begin_png()

    def _begin_png(self) -> None:
        """Of the first chart that has none, as soon as its SVG is there."""
        at = len(self._pngs)
        chart = self._charts[at]
        chart.keep(raw_svg=self._svgs[at].result())
        self._pngs.append(self._pool.submit(vl_convert.svg_to_png, chart.svg_on_paper, SCALE))

    def drawn(self) -> list[Chart]:
        """All of them, with their drawings."""
        with suppress(BrokenProcessPool):
            while len(self._pngs) < len(self._svgs):
                self._begin_png()
            for chart, png in zip(self._charts, self._pngs, strict=False):
                chart.keep(raw_png=png.result())
        return self._charts
