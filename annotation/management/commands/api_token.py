"""api_token USER: make a token for the API, and the user if new, and print only the token."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from knox.models import AuthToken


class Command(BaseCommand):
    help = "Make a token for the API, and the user (staff) if new, and print only the token."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", metavar="USER")
        parser.add_argument(
            "--superuser", action="store_true", help="Make the user an administrator."
        )

    @transaction.atomic
    def handle(self, *, user: str, superuser: bool, **options: Any) -> None:
        users = get_user_model()
        account = users.objects.filter(username=user).first()
        if account is None:
            account = users(username=user, is_staff=True, is_superuser=superuser)
            account.set_unusable_password()
            try:
                account.full_clean()
            except ValidationError as error:
                raise CommandError(f"{user}: {' '.join(error.messages)}") from None
            account.save()
        elif superuser and not (account.is_superuser and account.is_staff):
            account.is_staff = account.is_superuser = True
            account.save(update_fields=["is_staff", "is_superuser"])
        if not account.is_active:
            raise CommandError(f"{user} is not active: a token would open nothing.")
        if not account.is_staff:
            raise CommandError(
                f"{user} is not staff, so a token would open nothing: make them staff in the"
                " admin, or add --superuser."
            )
        _, token = AuthToken.objects.create(user=account, expiry=None)
        self.stdout.write(token)
