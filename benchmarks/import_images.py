"""Import of photographs against decoding them alone, on the same cores.

Cuts photographs out of those in the installed wheels, imports them into a database of its own
(decode, hash, perceptual hash, rows), and prints the ratio of the two times. Decoding is timed
before and after the import, and their mean counts: other load on the machine affects both.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# In place of this folder, whose coverage.py hides the package of its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

ROOT = Path(__file__).resolve().parents[1]


def make_photographs(folder: Path, count: int, longest: int) -> None:
    """`count` JPEGs of `longest` x 3/4 pixels in ten folders, no two alike."""
    from PIL import Image

    from imagesets.labels.imagenet import imagenet_classes
    from imagesets.pictures.decoding import open_rgb
    from imagesets.pictures.demo_photos import PHOTOGRAPHS, file_of

    size = (longest, longest * 3 // 4)
    sources = [open_rgb(file_of(photograph)) for photograph in PHOTOGRAPHS]
    keys = [entry.key for entry in imagenet_classes()[:10]]

    def make(number: int) -> None:
        rng = random.Random(number)
        source = rng.choice(sources)
        width = source.width * rng.uniform(0.4, 1)
        height = min(source.height, width * size[1] / size[0])
        left, top = rng.uniform(0, source.width - width), rng.uniform(0, source.height - height)
        picture = source.resize(
            size, Image.Resampling.BICUBIC, box=(left, top, left + width, top + height)
        )
        path = folder / keys[number % len(keys)] / f"{number:07}.jpg"
        picture.save(path, quality=90)

    for key in keys:
        (folder / key).mkdir(parents=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(make, range(count)))


def decode_all(paths: list[Path]) -> float:
    """Seconds to decode all files on all cores, doing nothing else."""
    from PIL import Image

    def decode(path: Path) -> None:
        with Image.open(path) as picture:
            picture.convert("RGB").load()

    started = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(decode, paths))
    return time.perf_counter() - started


def measure(folder: Path, count: int, longest: int) -> None:
    """Make, decode, import, decode; print the figures."""
    import django

    django.setup()
    from django.core.management import call_command

    from imagesets.importing.import_dataset import import_dataset
    from imagesets.terminal import progress_bars

    call_command("migrate", verbosity=0)
    print(f"making {count:,} photographs of {longest} px ...", file=sys.stderr)
    make_photographs(folder, count, longest)
    paths = sorted(folder.rglob("*.jpg"))
    before = decode_all(paths)
    with progress_bars() as progress:
        report = import_dataset("bench", folder, progress=progress)
    assert report.added == count, report
    after = decode_all(paths)
    with progress_bars() as progress:
        again = import_dataset("bench", folder, progress=progress)
    assert (again.added, again.known) == (0, count), again
    decoding = (before + after) / 2
    size = sum(path.stat().st_size for path in paths) / count / 1000
    print(f"{count:,} JPEGs of {longest} px, {size:.0f} kB each, {os.cpu_count()} cores")
    print(f"decoding alone   {decoding:8.1f} s  {count / decoding:8,.0f}/s")
    print(f"  before, after  {before:8.1f} s, {after:.1f} s")
    print(f"import           {report.seconds:8.1f} s  {count / report.seconds:8,.0f}/s")
    print(f"import again     {again.seconds:8.1f} s  {count / again.seconds:8,.0f}/s")
    print(f"import / decoding alone = {report.seconds / decoding:.2f} (goal: at most 1.5)")


def main() -> None:
    """Run in a directory and on servers of the benchmark's own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000, help="how many (default: 10000)")
    parser.add_argument("--pixels", type=int, default=500, help="longest side (default: 500)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="second-look-bench-") as place:
        os.environ |= {"DATA_DIR": f"{place}/data", "DJANGO_SETTINGS_MODULE": "annotation.settings"}
        from django.conf import settings

        from annotation.serving.embedded import running

        with running(settings.DATA_DIR):
            measure(Path(place) / "images", options.images, options.pixels)


if __name__ == "__main__":
    main()
