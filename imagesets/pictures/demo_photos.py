"""The demo's dataset `photos`: photographs from installed wheels, collages of them, the truth.

Nothing that labels this dataset may read its truth: truth.csv lies beside the images' folder and
the dataset's tables, and only simulated workers and the final comparison open it.
"""

import csv
import importlib.util
import random
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from imagesets.labels.imagenet import imagenet_classes
from imagesets.pictures.decoding import open_rgb

SLUG = "photos"
NAME = "Photographs and collages of them"
COLLAGES = 50
THREE_PANELS = 18  # collages with three panels; the others have two
OTHER_PANEL = 15  # collages whose dataset label names a panel that is not the largest

Box = tuple[float, float, float, float]  # left, top, right, bottom, as shares of the picture


class Thing(NamedTuple):
    """An object in a photograph: its ImageNet class and its box."""

    label: str
    box: Box


class Photograph(NamedTuple):
    """A file in a wheel, its dataset label, and the objects in it (the main one first)."""

    package: str
    path: str
    dataset_label: str
    things: tuple[Thing, ...]
    in_collages: bool = True


# The objects in each photograph, found by looking. Only classes of ImageNet-1k count, one for each
# object.
PHOTOGRAPHS = (
    # A cat's face, its coat sand and grey with a tabby's M on the brow. One might also call it a
    # tabby, but it is one cat: one object.
    Photograph(
        "skimage",
        "data/chelsea.png",
        "n02124075",
        (Thing("n02124075", (0.06, 0.0, 0.82, 1.0)),),  # Egyptian cat
    ),
    # An espresso in a red cup on a saucer, with a metal spoon. The cup is an object of its own
    # (WordNet defines this "cup" as a punch, but ImageNet's pictures show drinking cups). It is
    # not a mug, and saucer and metal spoon have no class.
    Photograph(
        "skimage",
        "data/coffee.png",
        "n07920052",
        (
            Thing("n07920052", (0.34, 0.23, 0.63, 0.50)),  # espresso
            Thing("n07930864", (0.29, 0.05, 0.68, 0.67)),  # cup
        ),
    ),
    # A launch vehicle upright on its pad among lattice towers. The nearest class is "missile" ("a
    # rocket carrying a warhead"); "projectile" is defined as not self-propelled, so the
    # photograph's dataset label is an error.
    Photograph(
        "skimage",
        "data/rocket.jpg",
        "n04008634",
        (Thing("n03773504", (0.44, 0.28, 0.56, 1.0)),),  # missile
    ),
    # A man in a dark overcoat films from a tripod. The camcorder is not a reflex camera, nor the
    # coat a trench coat; the dome on the horizon is too small to be seen in a tile.
    Photograph(
        "skimage",
        "data/camera.png",
        "n04485082",
        (Thing("n04485082", (0.45, 0.34, 0.79, 1.0)),),  # tripod
    ),
    # A small motorcycle, for which ImageNet-1k's only class is "moped"; its front disc brake, a
    # garden bench behind it, cardboard boxes on the shelves.
    Photograph(
        "skimage",
        "data/motorcycle_left.png",
        "n03785016",
        (
            Thing("n03785016", (0.13, 0.06, 0.92, 0.90)),  # moped
            Thing("n03208938", (0.71, 0.66, 0.83, 0.82)),  # disk brake
            Thing("n03891251", (0.06, 0.21, 0.38, 0.61)),  # park bench
            Thing("n02971356", (0.71, 0.05, 0.92, 0.55)),  # carton
        ),
    ),
    # According to scikit-image a wall clock, photographed with a moving camera; it looks like a
    # pale disc, too blurred to be recognised in a collage.
    Photograph(
        "skimage",
        "data/clock_motion.png",
        "n04548280",
        (Thing("n04548280", (0.34, 0.28, 0.73, 0.72)),),  # wall clock
        in_collages=False,
    ),
    # An astronaut in a pressure suit, her helmet under her arm, a model of a space shuttle behind
    # her. Only the shuttle has a class, and it is not the subject: not used in collages.
    Photograph(
        "skimage",
        "data/astronaut.png",
        "n04266014",
        (Thing("n04266014", (0.68, 0.0, 0.92, 0.56)),),  # space shuttle
        in_collages=False,
    ),
    # The Tower of Buddhist Incense of Beijing's Summer Palace, under roofs of glazed tiles, above
    # a lake with its far shore. It is not a stupa, a monastery or a bell cote.
    Photograph(
        "sklearn",
        "datasets/images/china.jpg",
        "n03877845",
        (
            Thing("n03877845", (0.11, 0.06, 0.58, 0.90)),  # palace
            Thing("n04435653", (0.13, 0.08, 0.55, 0.80)),  # tile roof
            Thing("n09332890", (0.52, 0.46, 0.88, 0.76)),  # lakeside
        ),
    ),
    # A dahlia, which ImageNet-1k has no class for. Its dataset label, daisy, is an error with no
    # right answer; in collages it is a panel that shows nothing of the label set.
    Photograph("sklearn", "datasets/images/flower.jpg", "n11939491", ()),
    # Rear Admiral Hopper in uniform with cap and ribbons before a flag. "Uniform" and "suit" would
    # name one garment twice; spectacles, flag and the cap alone have no class.
    Photograph(
        "matplotlib",
        "mpl-data/sample_data/grace_hopper.jpg",
        "n03763968",
        (Thing("n03763968", (0.08, 0.04, 0.95, 0.98)),),  # military uniform
    ),
)

# Articles on the classes above, and on those that classifiers confuse them with.
WIKIPEDIA = {
    "n02123045": ("Tabby_cat",),
    "n02123159": ("Tabby_cat",),
    "n02124075": ("Egyptian_Mau",),
    "n02127052": ("Lynx",),
    "n02669723": ("Academic_dress",),
    "n02708093": ("Clock_face",),
    "n02825657": ("Bell-gable",),
    "n02859443": ("Boathouse",),
    "n02971356": ("Carton",),
    "n02974003": ("Wheel",),
    "n02980441": ("Castle",),
    "n03063599": ("Mug",),
    "n03127747": ("Motorcycle_helmet",),
    "n03208938": ("Disc_brake",),
    "n03240683": ("Oil_platform",),
    "n03379051": ("Football_helmet",),
    "n03763968": ("Military_uniform",),
    "n03773504": ("Missile", "Rocket"),
    "n03781244": ("Monastery",),
    "n03785016": ("Moped",),
    "n03787032": ("Square_academic_cap",),
    "n03791053": ("Scooter_(motorcycle)",),
    "n03792782": ("Mountain_bike",),
    "n03877845": ("Palace",),
    "n03891251": ("Bench_(furniture)",),
    "n04008634": ("Projectile",),
    "n04069434": ("Single-lens_reflex_camera",),
    "n04266014": ("Space_Shuttle",),
    "n04346328": ("Stupa",),
    "n04350905": ("Suit",),
    "n04435653": ("Roof_tiles",),
    "n04479046": ("Trench_coat",),
    "n04485082": ("Tripod", "Tripod_(photography)"),
    "n04548280": ("Clock",),
    "n04591157": ("Necktie",),
    "n07584110": ("Consomm%C3%A9",),
    "n07836838": ("Chocolate_syrup",),
    "n07920052": ("Espresso",),
    "n07930864": ("Cup",),
    "n09229709": ("Soap_bubble",),
    "n09332890": ("Shore", "Lake"),
    "n11939491": ("Bellis_perennis",),
}

# A thing counts as shown if a cut keeps at least SHOWN of its box (MAIN_SHOWN: the main thing) and
# as absent up to ABSENT; cuts that leave one between the two are rejected. A thing other than the
# main one is absent too if smaller than SMALLEST of the collage's 720 pixels: a speck in a tile.
SHOWN, ABSENT, MAIN_SHOWN = 0.5, 0.12, 0.75
SMALLEST = 64


class Picture(NamedTuple):
    """An image of the dataset: its pixels, its dataset label, and the things truly in it."""

    pixels: Image.Image
    dataset_label: str
    things: tuple[str, ...]  # distinct, the main object first


def make_photos(folder: Path, seed: int = 0) -> None:
    """Write the dataset below `folder`; the same seed gives the same bytes.

    images/ (photo-01.jpg ..., collage-01.jpg ...: names that reveal nothing), classes.csv and
    labels.csv as import_dataset takes them, and truth.csv (`image,label,main`): a row for each
    object in an image, `main` true for the main one. An image without a row shows nothing of the
    label set. Raises FileNotFoundError naming the wheel whose photograph is missing.
    """
    rng = random.Random(f"photos {seed}")
    pixels = [open_rgb(file_of(photograph)) for photograph in PHOTOGRAPHS]
    singles = [
        Picture(picture, photograph.dataset_label, tuple(t.label for t in photograph.things))
        for photograph, picture in zip(PHOTOGRAPHS, pixels, strict=True)
    ]
    rng.shuffle(singles)
    pictures = {f"photo-{i:02}.jpg": picture for i, picture in enumerate(singles, 1)}
    for i, picture in enumerate(_collages(pixels, rng), 1):
        pictures[f"collage-{i:02}.jpg"] = picture

    (folder / "images").mkdir(parents=True, exist_ok=True)
    for key, picture in pictures.items():
        picture.pixels.save(folder / "images" / key, quality=92, subsampling=0)
    _write(
        folder / "labels.csv",
        ("image", "label"),
        [(key, picture.dataset_label) for key, picture in pictures.items()],
    )
    _write(
        folder / "truth.csv",
        ("image", "label", "main"),
        [
            (key, label, "false" if i else "true")
            for key, picture in pictures.items()
            for i, label in enumerate(picture.things)
        ],
    )
    _write(
        folder / "classes.csv",
        ("key", "names", "definition", "wikipedia", "superclass"),
        [
            (c.key, ";".join(c.names), c.definition, ";".join(articles(c.key)), c.superclass)
            for c in imagenet_classes()
        ],
    )


def articles(label: str) -> list[str]:
    """Addresses of the English Wikipedia's articles on a class; most classes have none."""
    return [f"https://en.wikipedia.org/wiki/{title}" for title in WIKIPEDIA.get(label, ())]


def file_of(photograph: Photograph) -> Path:
    """The path of a photograph. Raises FileNotFoundError naming the wheel that is missing."""
    spec = importlib.util.find_spec(photograph.package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(
            f"{photograph.package} is not installed: the demo uses its photographs"
        )
    return Path(spec.submodule_search_locations[0]) / photograph.path


def _write(path: Path, header: tuple[str, ...], rows: list[tuple]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _collages(pixels: list[Image.Image], rng: random.Random) -> list[Picture]:
    panels = [3] * THREE_PANELS + [2] * (COLLAGES - THREE_PANELS)
    names_other = [True] * OTHER_PANEL + [False] * (COLLAGES - OTHER_PANEL)
    rng.shuffle(panels)
    rng.shuffle(names_other)
    usable = [i for i, photograph in enumerate(PHOTOGRAPHS) if photograph.in_collages]
    return [
        _collage(pixels, usable, n, other, rng)
        for n, other in zip(panels, names_other, strict=True)
    ]


def _collage(
    pixels: list[Image.Image], usable: list[int], n: int, names_other: bool, rng: random.Random
) -> Picture:
    """One collage; redraws photographs and cuts until each panel shows its main object."""
    while True:
        chosen = rng.sample(usable, n)
        if not PHOTOGRAPHS[chosen[0]].things:
            continue  # the largest panel must show something
        others = [i for i in chosen[1:] if PHOTOGRAPHS[i].things]
        if not others:
            continue
        size, frames = _frames(n, rng)
        cuts = [
            _cut(pixels[i], PHOTOGRAPHS[i], f, rng) for i, f in zip(chosen, frames, strict=True)
        ]
        if None in cuts:
            continue
        canvas = Image.new("RGB", size)
        labels: list[str] = []
        for (left, top, _, _), cut in zip(frames, cuts, strict=True):
            assert cut is not None
            canvas.paste(cut[0], (left, top))
            labels += [label for label in cut[1] if label not in labels]
        named = PHOTOGRAPHS[rng.choice(others) if names_other else chosen[0]]
        return Picture(canvas, named.things[0].label, tuple(labels))


def _frames(n: int, rng: random.Random) -> tuple[tuple[int, int], list[tuple[int, int, int, int]]]:
    """A canvas's size and its panels (left, top, right, bottom in pixels), the largest first."""
    long, short = 720, 480
    at = round(long * rng.uniform(0.56, 0.66))
    frames = [(0, 0, at, short)]
    if n == 2:
        frames.append((at, 0, long, short))
    else:
        half = round(short * rng.uniform(0.45, 0.55))
        frames += [(at, 0, long, half), (at, half, long, short)]
    if rng.random() < 0.5:  # the largest panel on the other side
        frames = [(long - r, t, long - x, b) for x, t, r, b in frames]
    if rng.random() < 0.5:  # stacked instead of side by side
        return (short, long), [(t, x, b, r) for x, t, r, b in frames]
    return (long, short), frames


def _cut(
    picture: Image.Image,
    photograph: Photograph,
    frame: tuple[int, int, int, int],
    rng: random.Random,
) -> tuple[Image.Image, list[str]] | None:
    """A cut of a photograph that fills a panel, and the labels it shows; None if none fits."""
    width, height = frame[2] - frame[0], frame[3] - frame[1]
    fit = min(picture.width / width, picture.height / height)
    for _ in range(40):
        scale = fit * rng.uniform(0.78, 1.0)  # pixels of the photograph per pixel of the panel
        w, h = width * scale, height * scale
        left = rng.uniform(0, picture.width - w)
        top = rng.uniform(0, picture.height - h)
        cut = (left, top, left + w, top + h)
        shown = []
        for i, thing in enumerate(photograph.things):
            x0, y0, x1, y1 = _pixels(thing.box, picture.size)
            share = _overlap((x0, y0, x1, y1), cut)
            if i == 0 and share < MAIN_SHOWN:
                break
            if min(x1 - x0, y1 - y0) / scale < SMALLEST and i > 0:
                continue
            if ABSENT < share < SHOWN:
                break
            if share >= SHOWN:
                shown.append(thing.label)
        else:
            panel = picture.resize((width, height), Image.Resampling.LANCZOS, box=cut)
            return panel, shown
    return None


def _pixels(box: Box, size: tuple[int, int]) -> Box:
    return (box[0] * size[0], box[1] * size[1], box[2] * size[0], box[3] * size[1])


def _overlap(box: Box, cut: Box) -> float:
    """The share of a box's area that lies inside a cut."""
    width = max(0.0, min(box[2], cut[2]) - max(box[0], cut[0]))
    height = max(0.0, min(box[3], cut[3]) - max(box[1], cut[1]))
    return width * height / ((box[2] - box[0]) * (box[3] - box[1]))
