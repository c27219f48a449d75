"""migrate: Django's own; commands and `up` that would migrate at the same time take turns."""

from typing import Any

from django.core.management.commands import migrate

from imagesets.locks import Lock, held


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with held(Lock.MIGRATION, 0):
            super().handle(*args, **options)
