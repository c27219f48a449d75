"""api_token USER: make a token for the API, and the user if new, and print only the token."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from annotation.models import Role, Scope
from annotation.rights import VIEW, may_somewhere
from annotation.rights.granting import give_at_least, make_token, record, trouble_with
from tasks.management.campaign_command import person_at_terminal


def days(text: str) -> int:
    """A number of days from the command line."""
    if not text.isdecimal() or not 1 <= int(text) <= 36_500:
        raise ArgumentTypeError("must be a whole number of days, 1 to 36500")
    return int(text)


class Command(BaseCommand):
    help = "Make a token for the API, and the user if new, and print only the token."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", metavar="USER")
        parser.add_argument(
            "--role",
            choices=Role.values,
            help="Give the user this role on the whole site, unless theirs is higher.",
        )
        parser.add_argument("--superuser", action="store_true", help="Give the user all rights.")
        parser.add_argument(
            "--scopes",
            nargs="+",
            metavar="SCOPE",
            default=Scope.values,
            help=f"What the token is for, of what its user may do: {', '.join(Scope.values)}."
            " Default: all of it.",
        )
        parser.add_argument(
            "--expires", metavar="DAYS", type=days, help="Default: it does not expire."
        )

    @transaction.atomic
    def handle(
        self,
        *,
        user: str,
        role: str | None,
        superuser: bool,
        scopes: list[str],
        expires: int | None,
        **options: Any,
    ) -> None:
        if trouble := trouble_with(scopes):
            raise CommandError(f"--scopes: {trouble}")
        who = person_at_terminal()
        account = get_user_model().objects.filter(username=user).first()
        if account is None:
            if not role and not superuser:
                raise CommandError(
                    f"There is no user {user}: to make one, add --role or --superuser."
                )
            account = _make(user, who)
        if not account.is_active:
            raise CommandError(f"{user} is not active: a token would open nothing.")
        if superuser and not account.is_superuser:
            account.is_superuser = account.is_staff = True
            account.save(update_fields=["is_superuser", "is_staff"])
            record(who, account, "superuser: true")
        if role:
            give_at_least(account, Role(role), who)
        if not may_somewhere(account, VIEW):
            self.stderr.write(f"{user} has no role yet: until they have one, it opens nothing.")
        _, key = make_token(account, list(dict.fromkeys(scopes)), expires, who)
        self.stdout.write(key)


def _make(name: str, who: str) -> Any:
    account = get_user_model()(username=name)
    account.set_unusable_password()
    try:
        account.full_clean()
    except ValidationError as error:
        raise CommandError(f"{name}: {' '.join(error.messages)}") from None
    account.save()
    record(who, account, "got an account")
    return account
