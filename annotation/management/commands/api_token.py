"""api_token USER: makes a token for the API, and the user where new, and prints the token alone."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from knox.models import AuthToken


class Command(BaseCommand):
    help = "Make a token for the API (and the user, staff, if new) and print it alone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", metavar="USER")
        parser.add_argument(
            "--superuser", action="store_true", help="Make the user an administrator."
        )

    @transaction.atomic
    def handle(self, *, user: str, superuser: bool, **options: Any) -> None:
        users = get_user_model()
        found = users.objects.filter(username=user).first()
        if found is None:
            found = users(username=user, is_staff=True, is_superuser=superuser)
            found.set_unusable_password()
            try:
                found.full_clean()
            except ValidationError as error:
                raise CommandError(f"{user}: {' '.join(error.messages)}") from None
            found.save()
        elif superuser and not (found.is_superuser and found.is_staff):
            found.is_staff = found.is_superuser = True
            found.save(update_fields=["is_staff", "is_superuser"])
        if not found.is_active:
            raise CommandError(f"{user} is not active: a token would open nothing.")
        if not found.is_staff:
            raise CommandError(
                f"{user} is not staff, so that a token would open nothing: make him staff in the"
                " admin, or take --superuser."
            )
        _, token = AuthToken.objects.create(user=found, expiry=None)
        self.stdout.write(token)
