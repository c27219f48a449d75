"""create_campaign: create a draft campaign, from a file or to add to another."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.api.additions import AdditionSerializer
from annotation.api.serializers import CampaignSerializer, one_line


def read_json(file: Path) -> Any:
    """The file's JSON; raises CommandError naming file, line and column, or a name given twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in pairs:
            if name in values:
                raise CommandError(f"{file}: {name} is given twice.")
            values[name] = value
        return values

    def no_constant(name: str) -> None:
        raise CommandError(f"{file}: {name} is not JSON.")

    try:
        text = file.read_text(encoding="utf-8-sig")
        return json.loads(text, object_pairs_hook=once, parse_constant=no_constant)
    except FileNotFoundError:
        raise CommandError(f"{file}: there is no such file.") from None
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}.") from None
    except json.JSONDecodeError as error:
        raise CommandError(
            f"{file}, line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise CommandError(f"{file}: {error}") from None


class Command(BaseCommand):
    help = (
        "Create a draft campaign from a JSON file, with the fields of POST /api/campaigns/."
        " --missing-for: one that asks the pairs which a new classifier names and nobody judged in"
        " the CONTAINS campaign --of, which has ended. Its settings are those of that campaign,"
        " unless a file gives others."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE.json", type=Path, nargs="?")
        parser.add_argument("--missing-for", metavar="CLASSIFIER", help="The new classifier.")
        parser.add_argument("--of", metavar="CAMPAIGN", help="The CONTAINS campaign to add to.")

    def handle(
        self, *, file: Path | None, missing_for: str | None, of: str | None, **options: Any
    ) -> None:
        adding = {"missing_for": missing_for, "of": of}
        if len({name is None for name in adding.values()}) > 1:
            raise CommandError(
                "--missing-for CLASSIFIER and --of CAMPAIGN go together.", returncode=2
            )
        if file is None and of is None:
            raise CommandError(
                "Give FILE.json, or --missing-for CLASSIFIER --of CAMPAIGN.", returncode=2
            )
        data = {} if file is None else read_json(file)
        if not isinstance(data, dict):
            raise CommandError(f"{file}: must hold one JSON object, a campaign.")
        campaign = CampaignSerializer(data=data)
        if of is not None:
            campaign = AdditionSerializer(data=data | adding)
        if not campaign.is_valid():
            where = "" if file is None else f"{file}: "
            raise CommandError(f"{where}{one_line(campaign.errors)}")
        made = campaign.save()
        asks = ""
        if isinstance(campaign, AdditionSerializer):
            asks = (
                f" It asks {campaign.pairs:,} pairs of {of}'s images; {campaign.first_labels:,} are"
                " first labels, which alone the report's figures read (candidates.k = 1)."
            )
        self.stdout.write(
            f"Campaign {made.slug} ({made.kind}) is a draft.{asks} Next: publish {made.slug}"
        )
