"""Account links: a colleague comes in with the role that an owner chose, once, and no further."""

import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from annotation.models import AccountLink, Grant, LoginPolicy, RightsChange
from tasks.models import Campaign
from tests.factories import make_dataset, make_user
from tests.studies.threads import at_once
from tests.studies.visitors import says

pytestmark = pytest.mark.django_db
PASSWORD = "a long pass phrase"
NEW = {"username": "ada", "email": "", "password1": PASSWORD, "password2": PASSWORD}
TYPED = {"new_password1": PASSWORD, "new_password2": PASSWORD}
PEOPLE = "/admin/people/"


@pytest.fixture(autouse=True)
def no_count():
    cache.clear()


@pytest.fixture
def campaign() -> Campaign:
    return Campaign.objects.create(
        name="Grid", slug="grid", dataset=make_dataset(), kind="contains"
    )


def entered(name: str, role: str = "", campaign: Campaign | None = None, **permissions) -> Client:
    client = Client()
    client.force_login(make_user(name, role, campaign, **permissions))
    return client


@pytest.fixture
def boss() -> Client:
    return entered("boss", "owner")


def invited(boss: Client, page: str = PEOPLE, **fields) -> str:
    """The path of a new link, as its page shows it."""
    form = {"do": "invite", "role": "viewer", "days": 7} | fields
    answer = boss.post(page, form)
    assert answer.status_code == 200, answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    return re.search(r"/admin/link/[\w-]+/", answer.content.decode())[0]


def password_link(boss: Client, name: str) -> str:
    account = get_user_model().objects.get(username=name)
    answer = boss.post(PEOPLE, {"do": "password", "row": account.pk})
    assert answer.status_code == 200
    return re.search(r"/admin/link/[\w-]+/", answer.content.decode())[0]


def grants_of(name: str) -> list[tuple]:
    rows = Grant.objects.filter(user__username=name).order_by("pk")
    return list(rows.values_list("role", "campaign__slug", "spend", "raw_workers"))


def opens_nothing(path: str, sentence: str) -> None:
    before = get_user_model().objects.count()
    for answer in (Client().get(path), Client().post(path, NEW), Client().post(path, TYPED)):
        assert answer.status_code == 410
        assert sentence in says(answer)
    assert get_user_model().objects.count() == before


# A colleague comes in


def test_a_colleague_comes_in_with_exactly_that_role(boss, campaign):
    path = invited(boss, role="reviewer", campaign=campaign.pk, note="Ada of the second floor")
    colleague = Client()
    for _ in range(2):  # a mail program that looks first
        page = colleague.get(path)
        assert page.status_code == 200
        assert "Grid" in says(page)
        assert not re.search("boss|second floor", says(page))  # it names nobody else
    made = colleague.post(path, NEW)
    assert (made.status_code, made["Location"]) == (302, "/campaigns/grid/")
    assert colleague.get("/campaigns/grid/").status_code == 200
    assert grants_of("ada") == [("reviewer", "grid", False, False)]
    assert colleague.get(PEOPLE).status_code == 403
    ada = get_user_model().objects.get(username="ada")
    assert (ada.is_staff, ada.is_superuser) == (False, False)
    grant = Grant.objects.get(user=ada)
    assert grant.given_by.startswith("boss by account link")
    again = Client()
    assert again.post("/admin/login/?next=/admin/", {"username": "ada", "password": PASSWORD})
    log = RightsChange.objects.order_by("pk").values_list("who", "what", "campaign__slug")
    assert [(who.split()[0], what, slug) for who, what, slug in log] == [
        ("boss", "makes one person reviewer of campaign grid, for 7 days", "grid"),
        ("boss", "got an account", "grid"),
        ("boss", "became reviewer of campaign grid", "grid"),
    ]
    opens_nothing(path, "was used already")


def test_more_is_not_taken_than_the_link_gives(boss):
    path = invited(boss)
    wanted = NEW | {"role": "owner", "is_superuser": "on", "is_staff": "on", "spend": "on"}
    Client().post(path, wanted)
    assert grants_of("ada") == [("viewer", None, False, False)]
    assert not get_user_model().objects.get(username="ada").is_superuser


@pytest.mark.django_db(transaction=True)
def test_of_people_who_race_with_one_link_one_gets_in(campaign):
    path = invited(entered("boss", "owner"))
    forms = [NEW | {"username": f"ada{n}"} for n in range(4)]
    answers = at_once(*[lambda form=form: Client().post(path, form) for form in forms])
    assert sorted(answer.status_code for answer in answers) == [302, 410, 410, 410]
    assert get_user_model().objects.filter(username__startswith="ada").count() == 1


@pytest.mark.parametrize(
    ("changed", "says_so"),
    [
        ({"password1": "password", "password2": "password"}, "too common"),
        ({"password1": "short1x", "password2": "short1x"}, "too short"),
        ({"password2": "another pass phrase"}, "two password fields"),
        ({"username": "BOSS"}, "Somebody has this user name already"),
        ({"username": "a b"}, "Enter a valid username"),
        ({"username": "a" * 151}, "at most 150"),
        ({"email": "no address"}, "valid email address"),
    ],
)
def test_a_wrong_form_says_what_is_wrong_and_leaves_the_link(boss, changed, says_so):
    path = invited(boss)
    answer = Client().post(path, NEW | changed)
    assert answer.status_code == 422
    assert says_so in says(answer)
    assert Client().post(path, NEW).status_code == 302


def test_a_link_that_was_withdrawn_or_has_expired_opens_nothing(boss):
    path, other = invited(boss), invited(boss)
    row = AccountLink.objects.order_by("pk").first()
    assert boss.post(PEOPLE, {"do": "revoke", "row": row.pk}).status_code == 302
    opens_nothing(path, "was withdrawn")
    AccountLink.objects.exclude(pk=row.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    opens_nothing(other, "has expired")
    assert RightsChange.objects.filter(who="boss", what="was revoked").count() == 1


def test_a_link_dies_with_the_right_of_whoever_made_it(boss, campaign):
    path = invited(boss)
    Grant.objects.filter(user__username="boss").update(role="researcher")
    opens_nothing(path, "was withdrawn")
    Grant.objects.filter(user__username="boss").update(role="owner")
    assert Client().get(path).status_code == 200
    get_user_model().objects.filter(username="boss").update(is_active=False)
    opens_nothing(path, "was withdrawn")


@pytest.mark.parametrize("secret", ["nonsense", "x" * 4000, "%00", "%F0%9F%98%80", ".", "a%20b"])
def test_a_guess_is_told_nothing(boss, secret):
    invited(boss)
    answer = Client().get(f"/admin/link/{secret}/")
    assert answer.status_code == 410
    assert "is not valid" in says(answer)


def test_nothing_in_the_database_opens_a_link(boss):
    secret = invited(boss).split("/")[3]
    row = AccountLink.objects.values().get()
    assert secret not in map(str, row.values())
    opens_nothing(f"/admin/link/{row['digest']}/", "is not valid")
    for page in (PEOPLE, "/admin/annotation/rightschange/"):
        text = boss.get(page).content.decode()
        assert secret not in text
        assert row["digest"] not in text


def test_a_link_gives_a_role_or_a_password_and_never_both(boss):
    user = get_user_model().objects.get(username="boss")
    fields = {"expires_at": timezone.now(), "digest": "d", "made_by": user}
    for wrong in ({}, {"role": "king"}, {"role": "viewer", "account": user}):
        with pytest.raises(IntegrityError), transaction.atomic():
            AccountLink.objects.create(**fields, **wrong)


def test_a_form_without_its_token_makes_nothing(boss):
    path = invited(boss)
    careful = Client(enforce_csrf_checks=True)
    careful.get(path)
    assert careful.post(path, NEW).status_code == 403
    careful.force_login(get_user_model().objects.get(username="boss"))
    assert careful.post(PEOPLE, {"do": "invite", "role": "owner", "days": 7}).status_code == 403
    assert not get_user_model().objects.filter(username="ada").exists()
    assert AccountLink.objects.count() == 1


def test_no_parameter_leads_elsewhere(boss):
    path = invited(boss)
    answer = Client().post(f"{path}?next=https://evil.example/", NEW | {"next": "//evil.example"})
    assert answer["Location"] == "/admin/"


def test_the_policy_of_the_second_factor_holds_for_who_comes_by_a_link(boss):
    path = invited(boss)
    LoginPolicy.objects.create(second_factor=True)
    client = Client()
    assert client.post(path, NEW).status_code == 302
    assert client.get("/admin/")["Location"] == "/admin/second-factor/"
    assert client.get("/api/campaigns/").status_code == 403


def test_somebody_with_an_account_takes_the_role_for_it(boss, campaign):
    path = invited(boss, role="researcher", campaign=campaign.pk)
    carla = entered("carla", "viewer")
    assert "Take the role as carla" in says(carla.get(path))
    assert grants_of("carla") == [("viewer", None, False, False)]  # a look takes nothing
    assert carla.post(path).status_code == 302
    assert grants_of("carla")[1:] == [("researcher", "grid", False, False)]
    opens_nothing(path, "was used already")
    second = invited(boss, role="reviewer", campaign=campaign.pk)
    refused = carla.post(second)
    assert "have this role already" in says(refused)
    assert Client().get(second).status_code == 200  # it is left for whom it was made for


# Who makes links


@pytest.mark.parametrize("role", ["", "viewer", "reviewer", "researcher"])
def test_nobody_below_an_owner_makes_or_withdraws_one(boss, campaign, role):
    invited(boss)
    client = entered("climber", role)
    row = AccountLink.objects.get()
    boss_row = get_user_model().objects.get(username="boss").pk
    for page in (PEOPLE, "/campaigns/grid/people/"):
        for form in (
            {"do": "invite", "role": "owner", "days": 7},
            {"do": "revoke", "row": row.pk},
            {"do": "password", "row": boss_row},
            {"do": "give", "user": "climber", "role": "owner"},
        ):
            assert client.post(page, form).status_code in (403, 404)
    row.refresh_from_db()
    assert row.revoked_at is None
    assert AccountLink.objects.count() == 1
    assert len(grants_of("climber")) == bool(role)


def test_a_campaigns_owner_makes_links_for_it_alone(boss, campaign):
    other = Campaign.objects.create(
        name="Other", slug="other", dataset=campaign.dataset, kind="contains"
    )
    of_the_site = invited(boss)
    lead = entered("lead", "owner", campaign)
    for where in ({}, {"campaign": other.pk}):
        refused = lead.post(PEOPLE, {"do": "invite", "role": "viewer", "days": 7} | where)
        assert refused.status_code == 422
    page = "/campaigns/grid/people/"
    path = invited(lead, page, role="owner", campaign=other.pk)  # the page decides where
    assert AccountLink.objects.latest("pk").campaign == campaign
    assert lead.get("/campaigns/other/people/").status_code == 404
    for name in ("boss", "lead"):
        row = get_user_model().objects.get(username=name).pk
        assert lead.post(PEOPLE, {"do": "password", "row": row}).status_code == 403
    theirs = AccountLink.objects.order_by("pk").first()
    assert lead.post(PEOPLE, {"do": "revoke", "row": theirs.pk}).status_code == 404
    assert Client().get(of_the_site).status_code == 200
    assert Client().post(path, NEW).status_code == 302
    assert grants_of("ada") == [("owner", "grid", False, False)]


@pytest.mark.parametrize(
    "changed",
    [{"days": 0}, {"days": 91}, {"days": "x"}, {"role": "king"}, {"campaign": 10**12}],
)
def test_numbers_out_of_bounds_make_no_link(boss, changed):
    form = {"do": "invite", "role": "viewer", "days": 7} | changed
    assert boss.post(PEOPLE, form).status_code == 422
    assert not AccountLink.objects.exists()
    for row in ("x", "", "9" * 30, "-1"):
        assert boss.post(PEOPLE, {"do": "withdraw", "row": row}).status_code == 404
    assert boss.post(PEOPLE, {"do": "nothing"}).status_code == 404


# A new password


def test_an_owners_link_sets_a_password_once_and_ends_sessions(boss):
    plain = make_user("plain", "viewer")
    old = Client()
    old.force_login(plain)
    path, second = password_link(boss, "plain"), password_link(boss, "plain")
    assert "too common" in says(
        Client().post(path, {"new_password1": "password", "new_password2": "password"})
    )
    client = Client()
    assert client.post(path, TYPED)["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    plain.refresh_from_db()
    assert plain.check_password(PASSWORD)
    assert old.get("/admin/").status_code == 302
    opens_nothing(path, "was used already")
    opens_nothing(second, "was withdrawn")
    log = list(RightsChange.objects.filter(whom="plain").values_list("what", flat=True))
    assert log[0] == "got another password"
    assert all("for a new password" in what for what in log[1:])


def test_an_owner_sets_no_password_of_somebody_with_more_rights(boss):
    get_user_model().objects.create_superuser("root", password=PASSWORD)
    make_user("rich", "viewer", spend=True)
    for name in ("root", "rich"):
        row = get_user_model().objects.get(username=name).pk
        assert boss.post(PEOPLE, {"do": "password", "row": row}).status_code == 403
    assert not AccountLink.objects.exists()


def test_a_link_does_not_outlive_a_promotion(boss):
    """Made for a viewer, it must not open the account of the superuser that they became."""
    plain = make_user("plain", "viewer")
    path = password_link(boss, "plain")
    get_user_model().objects.filter(pk=plain.pk).update(is_superuser=True)
    opens_nothing(path, "was withdrawn")
    get_user_model().objects.filter(pk=plain.pk).update(is_superuser=False, is_active=False)
    opens_nothing(path, "was withdrawn")


def test_a_new_password_does_not_pass_by_the_second_factor(boss):
    plain = make_user("plain", "viewer")
    Authenticator.objects.create(user=plain, type="totp", data={"secret": "x"})
    client = Client()
    answer = client.post(password_link(boss, "plain"), TYPED)
    assert answer["Location"] == "/admin/second-factor/authenticate/"
    assert client.get("/admin/").status_code == 302


def test_the_password_of_the_link_is_the_accounts_whoever_is_logged_in(boss):
    make_user("plain", "viewer")
    path = password_link(boss, "plain")
    assert boss.post(path, TYPED | {"account": "boss", "username": "boss"}).status_code == 302
    assert get_user_model().objects.get(username="plain").check_password(PASSWORD)
    assert not get_user_model().objects.get(username="boss").check_password(PASSWORD)


# Roles


def test_the_page_says_who_has_which_role_where_since_when_and_by_whom(boss, campaign):
    make_user("carla")
    given = {"do": "give", "user": "carla", "role": "reviewer", "campaign": campaign.pk}
    assert boss.post(PEOPLE, given).status_code == 302
    row = re.search(r"<tr>(?:(?!</tr>).)*carla.*?</tr>", boss.get(PEOPLE).content.decode(), re.S)
    cells = " ".join(re.sub("<[^>]*>", " ", row[0]).split())
    assert re.match(r"carla reviewer grid \d{4}-\d\d-\d\d, boss ", cells)
    grant = Grant.objects.get(user__username="carla")
    changed = {"do": "change", "row": grant.pk, "role": "owner", "raw_workers": "on"}
    assert boss.post(PEOPLE, changed).status_code == 422  # boss has no raw_workers to give
    assert grants_of("carla") == [("reviewer", "grid", False, False)]
    assert boss.post(PEOPLE, {"do": "change", "row": grant.pk, "role": "owner"}).status_code == 302
    assert grants_of("carla") == [("owner", "grid", False, False)]
    log = boss.get("/campaigns/grid/log/?of=rights").content.decode()
    assert "carla was reviewer of campaign grid, is now owner of campaign grid" in log
    assert boss.post(PEOPLE, {"do": "withdraw", "row": grant.pk}).status_code == 302
    assert grants_of("carla") == []
    assert "became" not in entered("reader", "viewer").get("/campaigns/grid/log/?of=rights").text
