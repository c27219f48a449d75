"""Inference against its two limits (networks alone, decoding alone) and against a plain loop.

Makes JPEG photographs out of scikit-image's, a database of its own, and runs `predict` as users do.
On a GPU: the ten default architectures (random weights: speed does not depend on them); on a CPU:
the demo's six classifiers. The plain loop is what anyone would write in an afternoon: for one model
after the other, timm's `create_transform` in a DataLoader, a forward pass, a top 10.

A CPU does both jobs on the same cores, so that not even the slower limit can be reached: the last
line also gives the limit of sharing, 1 / (1/networks + 1/decoding).
"""

import argparse
import hashlib
import os
import sys
import tempfile
import time
from pathlib import Path

# In place of this folder, whose coverage.py hides the package of its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

ROOT = Path(__file__).resolve().parents[1]


def make_photographs(folder: Path, count: int) -> list[Path]:
    """`count` JPEG photographs of 500 x 375 pixels, no two alike."""
    from PIL import Image
    from skimage import data

    sources = [
        Image.fromarray(getattr(data, name)()).convert("RGB")
        for name in ("astronaut", "chelsea", "coffee", "rocket", "retina", "immunohistochemistry")
    ]
    files = []
    for number in range(count):
        source = sources[number % len(sources)]
        width, height = source.size
        left, top = number * 37 % (width // 6), number * 53 % (height // 6)
        picture = source.crop((left, top, width - left // 2, height - top // 2)).resize((500, 375))
        file = folder / f"{number:06}.jpg"
        picture.save(file, quality=90)
        files.append(file)
    return files


def make_dataset(files: list[Path]):
    """A dataset of these files with ImageNet's labels."""
    from imagesets.labels.imagenet import imagenet_classes
    from imagesets.models import Dataset, Image, Label

    dataset = Dataset.objects.create(slug="bench", name="Bench")
    Label.objects.bulk_create(
        Label(dataset=dataset, key=entry.key, names=list(entry.names))
        for entry in imagenet_classes()
    )
    Image.objects.bulk_create(
        Image(
            dataset=dataset,
            key=file.name,
            location=str(file),
            sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
            width=500,
            height=375,
        )
        for file in files
    )
    return dataset


def make_classifiers(dataset, folder: Path, architectures: list[str] | None) -> list:
    """The demo's six, or architectures with random weights in files."""
    from models_inference.classifiers.presets import register_demo_classifiers
    from models_inference.models import Classifier
    from models_inference.networks.timm_import import timm

    if not architectures:
        return register_demo_classifiers(dataset)
    import torch

    made = []
    for name in architectures:
        file = folder / f"{name}.pth"
        torch.save(timm().create_model(name).state_dict(), file)
        made.append(
            Classifier.objects.create(
                dataset=dataset, name=name, architecture=name, weights=str(file)
            )
        )
    return made


def synchronise(device) -> None:
    """Wait for the GPU: when a call returns, its work is only queued."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize()


def networks_alone(pipeline, count: int, device) -> float:
    """Images per second through all networks, in the engine's batches, from pixels in memory."""
    import torch

    seconds = 0.0
    for network in pipeline.networks.by_classifier.values():
        size = network.preprocessing.resizing.size
        pixels = torch.randint(0, 256, (network.batch, 3, *size), dtype=torch.uint8).to(device)
        list(pipeline.threads.forward.map(network.logits, [pixels] * 2))
        rounds = max(4, count // network.batch)
        synchronise(device)
        began = time.perf_counter()
        list(pipeline.threads.forward.map(network.logits, [pixels] * rounds))
        seconds += (time.perf_counter() - began) / (rounds * network.batch)
    return 1 / seconds


def decoding_alone(pipeline) -> float:
    """Images per second from files to the pixels that all networks take, on all cores."""
    networks = pipeline.networks
    resizings = set(networks.transforms)
    files = list(networks.dataset.images.values_list("location", "sha256"))
    began = time.perf_counter()
    for prepared in pipeline.threads.decode.map(
        lambda file: pipeline.prepare(*file, resizings), files
    ):
        assert not isinstance(prepared, str), prepared
    return len(files) / (time.perf_counter() - began)


class Photographs:
    """The plain loop's dataset."""

    def __init__(self, files: list[Path], transform) -> None:
        self.files, self.transform = files, transform

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int):
        from PIL import Image

        return self.transform(Image.open(self.files[index]).convert("RGB"))


def plain_loop(classifiers, files: list[Path], device) -> float:
    """Images per second of one model after the other, each built before the clock starts."""
    import torch
    from timm.data import create_transform, resolve_data_config

    from models_inference.networks.devices import cores
    from models_inference.networks.network import timm_network

    seconds = 0.0
    for classifier in classifiers:
        model = timm_network(classifier)[0].eval().to(device)
        overrides = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in classifier.input.items()
        }
        transform = create_transform(**resolve_data_config(overrides, model=model))
        began = time.perf_counter()
        loader = torch.utils.data.DataLoader(
            Photographs(files, transform), batch_size=64, num_workers=cores()
        )
        with torch.inference_mode():
            for batch in loader:
                torch.softmax(model(batch.to(device)), 1).topk(10).values.cpu()
        seconds += time.perf_counter() - began
        del model
    return len(files) / seconds


def main() -> None:
    """Print the limits, the engine, the plain loop, and the ratios on the last line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--images", type=int, default=0, help="default: 192 on a CPU, 4096 on a GPU"
    )
    parser.add_argument("--architectures", nargs="*", help="timm's names instead of the default")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--no-plain-loop", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-inference-") as name:
        folder = Path(name)
        os.environ["DATA_DIR"] = str(folder / "data")
        for variable in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(variable, None)
        os.environ["DJANGO_SETTINGS_MODULE"] = "annotation.settings"
        import django

        django.setup()
        from django.conf import settings

        from annotation.serving.embedded import running

        with running(settings.DATA_DIR, durable=False):
            measure(folder, options)


def measure(folder: Path, options) -> None:
    """All measurements, on running servers."""
    from django.core.management import call_command
    from django.db import connection

    from models_inference.classifiers.presets import DEFAULT
    from models_inference.inference.pipeline import Pipeline
    from models_inference.inference.run import Run
    from models_inference.networks.devices import choose_device, cores

    call_command("migrate", verbosity=0, skip_checks=True)
    device = choose_device(options.device)
    count = options.images or (4096 if device.type == "cuda" else 192)
    files = make_photographs(folder, count)
    dataset = make_dataset(files)
    architectures = options.architectures
    if architectures is None and device.type == "cuda":
        architectures = [preset.architecture for preset in DEFAULT]
    classifiers = make_classifiers(dataset, folder, architectures)
    run = Run(dataset, classifiers, options.device, lambda done, total: None)
    run.networks.load()
    pipeline = Pipeline(run.networks)
    print(
        f"{count:,} images of 500 x 375 pixels, {len(classifiers)} classifiers, "
        f"{len(run.networks.transforms)} different inputs, {cores()} cores, device {device}"
    )
    networks = networks_alone(pipeline, min(count, 512 if device.type == "cuda" else 32), device)
    print(f"networks alone   {networks:8.1f} images/s")
    decoding = decoding_alone(pipeline)
    pipeline.stop()
    print(f"decoding alone   {decoding:8.1f} images/s")
    began = time.perf_counter()
    outcome = run.run()
    engine = count / (time.perf_counter() - began)
    assert outcome.written == count * len(classifiers), outcome
    print(f"predict          {engine:8.1f} images/s, logits and rows stored")
    connection.close()
    sharing = 1 / (1 / networks + 1 / decoding)
    line = f"{engine / min(networks, decoding):.2f} x the slower limit"
    line += f", {engine / sharing:.2f} x the limit of sharing the cores"
    if not options.no_plain_loop:
        plain = plain_loop(classifiers, files, device)
        print(f"plain loop       {plain:8.1f} images/s")
        line += f", {engine / plain:.2f} x the plain loop"
    print(line)


if __name__ == "__main__":
    main()
