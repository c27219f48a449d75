"""import_predictions SLUG FILE --classifier NAME: imports predictions made elsewhere."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from imagesets.management.dataset_argument import dataset_named
from imagesets.terminal import progress_bar
from models_inference.errors import InferenceError
from models_inference.predictions.files import import_predictions


class Command(BaseCommand):
    """See `help`."""

    help = (
        "Import predictions made elsewhere, from a CSV (image,rank,label,score; ranks from 1) or "
        "an .npz archive: logits (images x classes), images (their keys) and, where the classes "
        "are neither ImageNet's 1,000 nor the dataset's labels in the order of their import, "
        "classes (label keys). The file is checked as a whole before anything is written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The arguments of the command line."""
        parser.add_argument("slug", help="The dataset.")
        parser.add_argument("file", help="A .csv or .npz file.")
        parser.add_argument("--classifier", required=True, metavar="NAME")
        parser.add_argument(
            "--mapping", metavar="CSV", help="For logits: class (index from 0),label."
        )

    def handle(self, *args, **options) -> None:
        """Import, and print what was new."""
        dataset = dataset_named(options["slug"])
        mapping = options["mapping"]
        try:
            with progress_bar("Importing") as show:
                done = import_predictions(
                    dataset,
                    Path(options["file"]),
                    options["classifier"],
                    Path(mapping) if mapping else None,
                    show,
                )
        except InferenceError as error:
            raise CommandError(str(error)) from None
        dropped = f", {done.dropped:,} classes without a label dropped" if done.dropped else ""
        self.stdout.write(
            f"{done.classifier.name}: {done.new:,} images' predictions imported, "
            f"{done.known:,} known before{dropped}."
        )
        for note in done.notes:
            self.stdout.write(note)
        without = dataset.images.count() - done.classifier.predictions.count()
        if without:
            self.stdout.write(f"{without:,} of the dataset's images have no prediction by it.")
