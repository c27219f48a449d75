"""A forgotten password: a link by SMTP to the account's own address; nobody learns who is there."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from kombu.exceptions import OperationalError

from annotation.accounts import forgotten as page
from annotation.accounts.celery_tasks import mail_link
from annotation.models import AccountLink, RightsChange
from annotation.serving.mail_server import mail_server as read
from tests.factories import make_user
from tests.studies.mail_servers import mail_server
from tests.studies.visitors import says

pytestmark = pytest.mark.django_db
PAGE = "/admin/forgotten/"
PASSWORD = "a long pass phrase"


@pytest.fixture
def server(settings):
    """A mail server that the site sends by; what the queue would do is done at once."""
    cache.clear()
    with mail_server() as running:
        settings.MAIL_SERVER = told = read(running.url)
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = told.host, told.port
        settings.DEFAULT_FROM_EMAIL = told.sender
        yield running
    cache.clear()


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(mail_link, "delay", mail_link)


@pytest.fixture
def ada():
    ada = make_user("ada", "viewer")
    ada.email = "ada@example.org"
    ada.set_password("the old one, long")
    ada.save()
    return ada


def ask(name: str, address: str = "192.0.2.1", **headers: str):
    return Client().post(PAGE, {"name": name}, REMOTE_ADDR=address, headers=headers)


def link_in(mail) -> str:
    return re.search(r"https?://\S+", mail.get_content())[0]


@pytest.mark.parametrize("name", ["ada", "ada@example.org", "ADA@Example.org"])
def test_a_link_comes_by_mail_and_sets_a_password_once(server, at_once, ada, name, settings):
    settings.PUBLIC_URL = "https://look.example"
    old = Client()
    old.force_login(ada)
    assert "a mail with a link is on its way" in says(ask(name))
    ((recipients, mail),) = server.mails
    assert recipients == ["ada@example.org"]
    assert (mail["From"], mail["To"]) == ("look@example.org", "ada@example.org")
    assert "for the account ada" in " ".join(mail.get_content().split())
    link = link_in(mail)
    assert link.startswith("https://look.example/admin/link/")
    path = link.removeprefix("https://look.example")
    form = {"new_password1": PASSWORD, "new_password2": PASSWORD}
    assert Client().post(path, form)["Location"] == "/admin/"
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)
    assert Client().post(path, form).status_code == 410
    assert old.get("/admin/").status_code == 302
    assert RightsChange.objects.get(whom="ada").who.endswith("by mail")


def test_it_lapses_after_an_hour_and_a_later_one_takes_its_place(server, at_once, ada):
    ask("ada")
    ask("ada")
    first, second = (link_in(mail).partition("testserver")[2] for _, mail in server.mails)
    assert "was withdrawn" in says(Client().get(first))
    assert Client().get(second).status_code == 200
    row = AccountLink.objects.latest("pk")
    assert timedelta(minutes=55) < row.expires_at - timezone.now() < timedelta(minutes=65)
    AccountLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "has expired" in says(Client().get(second))


def test_nobody_learns_from_the_page_who_has_an_account(
    server, monkeypatch, ada, django_assert_num_queries
):
    """The same words, the same work: the page asks the database nothing."""
    names, handed_on = ["ada", "ada@example.org", "nobody", "nobody@example.org"], []
    monkeypatch.setattr(mail_link, "delay", lambda *args: handed_on.append(args))
    pages = []
    for name in names:
        with django_assert_num_queries(0):
            answer = ask(name)
        pages.append((answer.status_code, re.sub(r'value="\w{64}"', "", answer.content.decode())))
    assert len(set(pages)) == 1
    assert [args[0] for args in handed_on] == [
        "ada",
        "ada@example.org",
        "nobody",
        "nobody@example.org",
    ]
    assert not any("ada" in args[1] for args in handed_on)


@pytest.mark.parametrize("name", ["nobody", "gone", "single", "nameless", ""])
def test_only_an_active_account_with_a_password_and_an_address_gets_mail(server, at_once, name):
    gone, single, nameless = (make_user(n, "viewer") for n in ("gone", "single", "nameless"))
    for account in (gone, single):
        account.email = f"{account.username}@example.org"
        account.set_password(PASSWORD)
    gone.is_active = False
    single.set_unusable_password()
    nameless.set_password(PASSWORD)
    for account in (gone, single, nameless):
        account.save()
    ask(name)
    assert server.mails == []
    assert not AccountLink.objects.exists()


def test_mails_are_limited_by_address_and_by_name(server, at_once, ada):
    for n in range(5):
        assert ask("ada", address=f"192.0.2.{n}").status_code == 200  # the same words
    assert len(server.mails) == 3
    answers = [ask(f"guess {n}", address="198.51.100.1").status_code for n in range(21)]
    assert answers == [200] * 20 + [429]
    assert ask("ada", address="198.51.100.1").status_code == 429
    assert ask("other", address="198.51.100.2").status_code == 200
    v6 = [ask(f"six {n}", address=f"2001:db8:1:2::{n}").status_code for n in range(21)]
    assert v6[-1] == 429


def test_the_link_leads_to_this_site_whatever_the_visitor_says(server, at_once, ada, settings):
    answer = ask("ada", host="evil.example")
    assert answer.status_code == 400
    settings.PUBLIC_URL = "https://look.example"
    ask("ada", **{"x-forwarded-host": "evil.example"})
    assert [link_in(mail)[:24] for _, mail in server.mails] == ["https://look.example/adm"]


def test_a_name_adds_no_lines_to_a_mail(server, at_once, ada):
    ask("ada@example.org\r\nBcc: eve@example.org")
    assert server.mails == []


def test_a_mail_server_that_is_busy_is_asked_again(server, ada):
    server.refuses = True
    done = mail_link.apply(args=("ada", "https://look.example/admin/link/SECRET/"), retries=5)
    assert done.state == "FAILURE"  # the sixth time
    assert mail_link.max_retries == 5
    server.refuses = False
    mail_link("ada", "https://look.example/admin/link/SECRET/")
    assert len(server.mails) == 1


def test_without_a_queue_the_page_says_so(server, monkeypatch, ada):
    def fails(*args):
        raise OperationalError("away")

    monkeypatch.setattr(page.mail_link, "delay", fails)
    answer = ask("ada")
    assert (answer.status_code, "cannot send mails at the moment" in says(answer)) == (503, True)


def test_without_a_mail_server_the_page_says_whom_to_ask(ada):
    for answer in (Client().get(PAGE), ask("ada")):
        assert "Ask an owner of this site" in says(answer)
        assert "<form" not in answer.content.decode()
    assert not AccountLink.objects.exists()
    assert f'href="{PAGE}"' in Client().get("/admin/login/").content.decode()


def test_a_form_without_its_token_sends_nothing(server, at_once, ada):
    careful = Client(enforce_csrf_checks=True)
    assert careful.post(PAGE, {"name": "ada"}).status_code == 403
    assert server.mails == []
    assert get_user_model().objects.get().check_password("the old one, long")
