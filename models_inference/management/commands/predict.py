"""predict SLUG: candidate-label inference in this process, resumable."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from rich.console import Console
from rich.table import Table

from imagesets.management.dataset_argument import dataset_named
from imagesets.models import Dataset
from imagesets.terminal import progress_bar
from models_inference.classifiers.changes import Changes
from models_inference.classifiers.presets import DEFAULT, DEMO, Preset, register
from models_inference.errors import InferenceError, short
from models_inference.inference.run import InferenceReport, predict
from models_inference.models import LONGEST_NAME, Classifier
from models_inference.networks.programs import KINDS
from models_inference.networks.weights import PRETRAINED, split_part
from models_inference.networks.zero_shot import PREFIX
from models_inference.predictions.mapping_files import read_mapping

TEN = "ten"
TEN_NAMES = [preset.name for preset in DEFAULT]


class Command(BaseCommand):
    """See `help`."""

    help = (
        "Predict the top labels of a dataset's images. Without --classifier: by every classifier "
        "of the dataset that can be run; if it has none, by the six that come with the project "
        "(EfficientNet-Lite 0, 1, 2 at native and at half resolution). Run again after an "
        "interruption, it resumes where it stopped."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The arguments of the command line."""
        parser.add_argument("slug", help="The dataset.")
        parser.add_argument(
            "--classifier",
            action="append",
            default=[],
            metavar="NAME",
            help="A classifier of the dataset, one that comes with the project, or timm's name of "
            "an architecture, which is then registered; may be repeated. `ten`: ten of timm's "
            "architectures across the accuracy spectrum (their weights are downloaded).",
        )
        parser.add_argument(
            "--weights",
            metavar="FILE",
            help="Weights for the one --classifier that is new (default: timm's pretrained ones): "
            "a .pth, .ckpt or .safetensors file as a training script saves it. If it holds several "
            "networks, FILE#KEY names one.",
        )
        parser.add_argument(
            "--mapping",
            metavar="CSV",
            help="For the one --classifier: class (index from 0),label; several classes may share "
            "a label; classes without one are dropped.",
        )
        parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")

    def handle(self, *args, **options) -> None:
        """Choose the classifiers, run them, report what was done."""
        dataset = dataset_named(options["slug"])
        if not dataset.images.exists():
            raise CommandError(f"Dataset {dataset.slug} has no images: import_dataset adds them.")
        changes = Changes()
        try:
            with transaction.atomic():
                classifiers = choose(dataset, options["classifier"], options["weights"], changes)
                if options["mapping"]:
                    file = Path(options["mapping"])
                    map_classes(classifiers, options["classifier"], file, changes)
            with progress_bar("Predicting") as progress:
                outcome = predict(dataset, classifiers, options["device"], progress)
        except BaseException as error:
            # A classifier that cannot be run would stop every later `predict` of the dataset.
            changes.undo()
            if isinstance(error, InferenceError):
                raise CommandError(str(error)) from None
            raise
        report(dataset, classifiers, outcome)
        if outcome.deleted:
            names = ", ".join(outcome.deleted)
            raise CommandError(f"Deleted during their run: classifiers {names}.")


def choose(
    dataset: Dataset, names: list[str], weights: str | None, changes: Changes
) -> list[Classifier]:
    """The classifiers that the command line names; registers new ones."""
    if weights is not None:
        if len(names) != 1:
            raise InferenceError("--weights needs exactly one --classifier that it is for.")
        file, part = split_part(weights)
        if not Path(file).is_file():
            raise InferenceError(f"Weights file {file} does not exist.")
        weights = f"{Path(file).resolve()}{'#' * bool(part)}{part}"
    if not names:
        runnable = Classifier.objects.filter(dataset=dataset).exclude(architecture="")
        return list(runnable.select_related("dataset")) or register(dataset, DEMO, changes)
    if TEN in names:
        if weights is not None:
            raise InferenceError(f"--classifier {TEN} has its own weights: omit --weights.")
        names = [other for name in names for other in (TEN_NAMES if name == TEN else [name])]
    ready = {preset.name: preset for preset in DEMO}
    classifiers = []
    for name in dict.fromkeys(names):
        existing = Classifier.objects.filter(dataset=dataset, name=name).first()
        if existing and weights is None:
            classifiers.append(existing)
            continue
        preset = ready.get(name) if weights is None else None
        if preset is None:
            architecture = existing.architecture if existing else name
            check_architecture(architecture, dataset)
            input = existing.input if existing else {}
            preset = Preset(name, architecture, weights or PRETRAINED, input)
        classifiers += register(dataset, [preset], changes)
    return classifiers


def map_classes(
    classifiers: list[Classifier], names: list[str], file: Path, changes: Changes
) -> None:
    """Give the one classifier that was named the label of each of its classes."""
    if len(names) != 1 or len(classifiers) != 1:
        raise InferenceError("--mapping needs exactly one --classifier that it is for.")
    (classifier,) = classifiers
    changes.change(classifier, mapping=read_mapping(classifier.dataset, file))


def check_architecture(name: str, dataset: Dataset) -> None:
    """Raise InferenceError for a name that is not an architecture, before a row is made of it."""
    from models_inference.networks.timm_import import timm

    if len(name) > LONGEST_NAME:
        raise InferenceError(f"{short(name)} is longer than {LONGEST_NAME} characters.")
    if timm().is_model(name) or name in KINDS or name.startswith(PREFIX):
        return
    known = list(Classifier.objects.filter(dataset=dataset).values_list("name", flat=True))
    known += [preset.name for preset in DEMO if preset.name not in known]
    raise InferenceError(
        f"{short(name)} is neither a classifier of dataset {dataset.slug} nor an architecture of "
        f"timm. Known: {', '.join(known)}, and what timm.list_models() lists."
    )


def report(dataset: Dataset, classifiers: list[Classifier], outcome: InferenceReport) -> None:
    """Print the closing lines."""
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False)
    table.add_column("classifier")
    table.add_column("images", justify="right")
    table.add_column("classes without a label", justify="right")
    for classifier in classifiers:
        dropped = outcome.dropped.get(classifier.name)
        table.add_row(
            classifier.name,
            f"{classifier.predictions.count():,}",
            "" if dropped is None else f"{dropped:,}",
        )
    console.print(table)
    for name, clause in outcome.taken.items():
        console.print(f"Weights of {name}: {clause}.", soft_wrap=True)
    for name in outcome.changed:
        console.print(f"{name} was changed meanwhile: restarted with its new settings.")
    for key, reason in outcome.skipped:
        console.print(f"Skipped {key}: {reason}", soft_wrap=True)
    console.print(
        f"{outcome.written:,} predictions written, {outcome.already:,} known before, "
        f"{len(outcome.skipped):,} images skipped"
        + (f"; {outcome.seconds:.1f} s on {outcome.device}." if outcome.device else "."),
        soft_wrap=True,
    )
