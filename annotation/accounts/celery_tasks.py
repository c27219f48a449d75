"""Work of the queue `default`: mails that set a new password."""

from smtplib import SMTPException
from typing import Any

from celery import shared_task
from django.contrib.auth import get_user_model
from django.core.mail import send_mail
from django.db.models import Q
from django.template.loader import render_to_string

from annotation.accounts.links import by_mail

MOST = 5  # accounts of one mail address


@shared_task(
    autoretry_for=(OSError, SMTPException), max_retries=5, retry_backoff=30, ignore_result=True
)
def mail_link(name: str, address: str) -> None:
    """Mail a link to each account of this user name or mail address, if there is one.

    `address`: the link, with SECRET where its secret goes. It goes to the account's own mail
    address, never to the one that was typed.
    """
    for account in accounts_of(name)[:MOST]:
        link = address.replace("SECRET", by_mail(account))
        text = render_to_string("accounts/forgotten.txt", {"account": account, "link": link})
        send_mail("A new password for Second Look", text, None, [account.email])


def accounts_of(name: str) -> Any:
    """Accounts that log in with a password and have a mail address."""
    accounts = get_user_model().objects.filter(is_active=True).exclude(email="")
    accounts = accounts.exclude(password__startswith="!")  # unusable: single sign-on alone
    return accounts.filter(Q(username=name) | Q(email__iexact=name)).order_by("pk")
