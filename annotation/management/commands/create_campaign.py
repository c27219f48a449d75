"""create_campaign FILE.json: create a draft campaign from the JSON of POST /api/campaigns/."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

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
    help = "Create a draft campaign from a JSON file, with the fields of POST /api/campaigns/."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE.json", type=Path)

    def handle(self, *, file: Path, **options: Any) -> None:
        data = read_json(file)
        if not isinstance(data, dict):
            raise CommandError(f"{file}: must hold one JSON object, a campaign.")
        campaign = CampaignSerializer(data=data)
        if not campaign.is_valid():
            raise CommandError(f"{file}: {one_line(campaign.errors)}")
        made = campaign.save()
        self.stdout.write(
            f"Campaign {made.slug} ({made.kind}) is a draft. Next: publish {made.slug}"
        )
