"""How light a worker's page is, and whether researchers' pages grow with their study.

`workers`: bytes over the wire, the first row on a slow line, what moves. Opens a HIT of `--tiles`
of the demo's pictures under one label in Chromium, from the site as `up` serves it, with an empty
cache:

1. all that travels (Chromium's own count, headers included) until every picture is there;
2. the same on a line of `--kilobits` a second with `--latency` milliseconds of round trip: when
   the first row's pictures are all shown, and the layout shift of the whole visit (CLS).

`researchers`: the explorer's pages, filters and facets included, on generated studies of `--images`
images and ten times as many pairs, and of 1,000 images: p95 of both, queries, and the most rows
that a query walks, by EXPLAIN (ANALYZE).

The last line is the page's weight, and the ratio of the two p95.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

# In place of this folder, whose coverage.py hides the package of its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.studies.looked_at import look, told
from benchmarks.studies.pictured import door, open_contains, site
from tests.studies.browsers import SIZES, opened

SMALL_STUDY = 1_000  # images
WATCH = """
    window.shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
    const look = () => {
      const tiles = [...document.querySelectorAll(".tile")];
      const top = tiles[0]?.getBoundingClientRect().top;
      const row = tiles.filter((tile) => tile.getBoundingClientRect().top < top + 20);
      const stands = row.map((tile) => tile.querySelector("img"))
          .every((img) => img?.complete && img.naturalWidth > 0);
      if (document.querySelector(".bar") && stands) {
        window.firstRow = [performance.now() / 1000, row.length];
      } else {
        requestAnimationFrame(look);
      }
    };
    requestAnimationFrame(look);
"""
ALL_THERE = """() => [...document.querySelectorAll(".tile img")].every((tile) => {
    tile.loading = "eager";
    return tile.complete && tile.naturalWidth > 0;
})"""


def visit(browser, address: str, size: str, line: dict[str, float] | None = None) -> dict:
    """Begin a HIT in an empty browser; what travelled by kind, when the first row stood, CLS."""
    context = browser.new_context(viewport=SIZES[size], is_mobile=size == "phone")
    page = context.new_page()
    page.goto(address)  # the door, whose own weight counts to no HIT
    page.add_init_script(WATCH)
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.clearBrowserCache")  # what the door and the HIT share counts too
    if line is not None:
        network.send("Network.emulateNetworkConditions", {"offline": False} | line)
    kinds: dict[str, str] = {}
    weights: Counter[str] = Counter()
    number: Counter[str] = Counter()

    def answered(event) -> None:
        kinds[event["requestId"]] = event["type"]

    def finished(event) -> None:
        kind = kinds.get(event["requestId"], "Other")
        weights[kind] += event["encodedDataLength"]
        number[kind] += 1

    network.on("Network.responseReceived", answered)
    network.on("Network.loadingFinished", finished)
    page.get_by_role("button", name="Begin").click()
    page.wait_for_url("**/hit/**")
    page.wait_for_function(ALL_THERE, timeout=120_000)
    page.wait_for_function("window.firstRow")
    page.wait_for_timeout(500)  # for what comes after the pictures
    seconds, row = page.evaluate("window.firstRow")
    shift = page.evaluate("window.shift")
    context.close()
    return {"weights": weights, "number": number, "row": row, "seconds": seconds, "shift": shift}


def workers_page(options: argparse.Namespace) -> str:
    """Measure the worker's page, and say its weight."""
    rate = options.kilobits * 1000 / 8
    line = {
        "latency": options.latency,
        "downloadThroughput": rate,
        "uploadThroughput": rate,
        "connectionType": "cellular3g",
    }
    with site() as address, opened() as browser:
        campaign = open_contains([[options.tiles]], workers_per_item=9, round_size=9)
        where = door(address, campaign)
        quick = {size: visit(browser, where, size) for size in SIZES}
        slow = {size: visit(browser, where, size, line) for size in SIZES}
    for size, seen in quick.items():
        weights = seen["weights"]
        parts = ", ".join(f"{seen['number'][k]} {k} {n / 1024:.1f}" for k, n in weights.items())
        print(f"{size}: {parts} KB; layout shift {seen['shift']:.4f}")
    for size, seen in slow.items():
        print(
            f"{size} at {options.kilobits:.0f} kbit/s, {options.latency:.0f} ms: first row"
            f" ({seen['row']} tiles) after {seen['seconds']:.1f} s (goal: 3), layout shift"
            f" {seen['shift']:.4f} (goal: 0)"
        )
    whole = max(sum(seen["weights"].values()) for seen in quick.values()) / 1024
    return f"a page of {options.tiles} tiles over the wire: {whole:.0f} KB (goal: at most 600)"


def researchers_pages(options: argparse.Namespace) -> str:
    """Measure the researchers' pages in a process of its own, and say how they grow."""
    call = [sys.executable, __file__, "--parts", "inside"]
    call += ["--images", str(options.images), "--rounds", str(options.rounds)]
    with tempfile.TemporaryDirectory(prefix="second-look-bench-") as folder:
        environment = os.environ | {"DATA_DIR": folder}  # never the database of a study
        environment["DJANGO_SETTINGS_MODULE"] = "annotation.settings"
        with subprocess.Popen(call, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            last = ""
            for text in process.stdout:
                if last:
                    print(last, flush=True)
                last = text.rstrip()
    if process.returncode:
        sys.exit(process.returncode)
    return last


def inside(options: argparse.Namespace) -> str:
    """The same, in that process."""
    import django
    from django.conf import settings

    from annotation.serving.embedded import running

    django.setup()
    sizes = (SMALL_STUDY, options.images)
    with running(settings.DATA_DIR, durable=False):
        return told(look(sizes, options.rounds), sizes)


PARTS = {"workers": workers_page, "researchers": researchers_pages, "inside": inside}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tiles", type=int, default=48, help="of the HIT (48)")
    parser.add_argument("--kilobits", type=float, default=400, help="a second, slow line (400)")
    parser.add_argument("--latency", type=float, default=100, help="ms there and back (100)")
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=["workers", "researchers"], metavar="PART"
    )
    parser.add_argument("--images", type=int, default=100_000, help="of the large study (100,000)")
    parser.add_argument("--rounds", type=int, default=6, help="of visits to every page (6)")
    options = parser.parse_args()
    print("; ".join([PARTS[part](options) for part in options.parts]))


if __name__ == "__main__":
    main()
