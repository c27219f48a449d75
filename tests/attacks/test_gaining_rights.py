"""Nobody gives a right that they do not have, and each change of rights is logged."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import NoReverseMatch, reverse

from annotation.models import Grant, RightsChange, Token
from tasks.models import Campaign
from tests.factories import client_of, make_dataset, make_user

pytestmark = pytest.mark.django_db
GIVE = "/admin/annotation/grant/add/"


def enter(name: str, role: str = "", campaign: Campaign | None = None, **permissions) -> Client:
    client = Client()
    client.force_login(make_user(name, role, campaign, **permissions))
    return client


def grants_of(name: str) -> list[tuple]:
    rows = Grant.objects.filter(user__username=name).order_by("pk")
    return list(rows.values_list("role", "campaign__slug", "spend", "raw_workers"))


@pytest.fixture
def campaign() -> Campaign:
    return Campaign.objects.create(
        name="Grid", slug="grid", dataset=make_dataset(), kind="contains"
    )


def test_an_owner_gives_roles_but_no_permission_that_they_lack(campaign):
    boss = enter("boss", "owner", raw_workers=True)
    make_user("ada")
    assert boss.post(GIVE, {"user": "ada", "role": "owner", "spend": "on"}).status_code == 200
    assert grants_of("ada") == []
    assert boss.post(GIVE, {"user": "ada", "role": "owner", "raw_workers": "on"}).status_code == 302
    assert grants_of("ada") == [("owner", None, False, True)]
    mine = Grant.objects.get(user__username="boss")
    page = reverse("admin:annotation_grant_change", args=[mine.pk])
    assert boss.post(page, {"role": "owner", "spend": "on"}).status_code == 200
    assert grants_of("boss") == [("owner", None, False, True)]
    nobody = boss.post(GIVE, {"user": "nobody", "role": "viewer"}).content.decode()
    assert "There is no account of that name" in nobody
    twice = boss.post(GIVE, {"user": "ada", "role": "viewer"}).content.decode()
    assert "They have a role there already" in twice
    root = Client()
    root.force_login(get_user_model().objects.create_superuser("root"))
    assert root.post(page, {"role": "owner", "spend": "on"}).status_code == 302
    assert boss.post(GIVE, {"user": "root", "role": "viewer", "spend": "on"}).status_code == 302


def test_a_campaigns_owner_gives_roles_for_it_alone(campaign):
    make_user("ada")
    other = Campaign.objects.create(
        name="Other", slug="other", dataset=campaign.dataset, kind="contains"
    )
    lead = enter("lead", "owner", campaign)
    for where in ({}, {"campaign": other.pk}):
        assert lead.post(GIVE, {"user": "ada", "role": "viewer", **where}).status_code == 200
    assert grants_of("ada") == []
    given = {"user": "ada", "role": "owner", "campaign": campaign.pk}
    assert lead.post(GIVE, given).status_code == 302
    assert grants_of("ada") == [("owner", "grid", False, False)]
    assert enter("boss", "owner").post(GIVE, {"user": "eve", "role": "viewer"}).status_code == 200
    elsewhere = Grant.objects.create(user=make_user("eve"), role="viewer")
    page = reverse("admin:annotation_grant_delete", args=[elsewhere.pk])
    assert lead.post(page, {"post": "yes"}).status_code == 404
    assert lead.get("/admin/auth/user/").status_code == 403


@pytest.mark.parametrize("role", ["", "viewer", "reviewer", "researcher"])
def test_nobody_below_an_owner_gives_anything(campaign, role):
    client = enter("climber", role)
    me = get_user_model().objects.get(username="climber")
    client.post(GIVE, {"user": "climber", "role": "owner", "spend": "on"})
    rights = {"username": "climber", "is_superuser": "on", "is_staff": "on", "is_active": "on"}
    client.post(reverse("admin:auth_user_change", args=[me.pk]), rights)
    me.refresh_from_db()
    assert not me.is_superuser
    assert len(grants_of("climber")) == bool(role)


def test_djangos_own_permissions_and_flags_open_nothing(campaign):
    """Old groups and permissions of users, and is_staff, are not asked any more."""
    user = get_user_model().objects.create(username="old", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    group = Group.objects.create(name="old")
    group.permissions.set(Permission.objects.all())
    user.groups.add(group)
    client = enter("old")
    assert client.get("/admin/").status_code == 302
    assert client.get("/admin/tasks/campaign/").status_code == 302
    assert client.get("/campaigns/grid/").status_code == 404
    assert client_of("old").get("/api/campaigns/").status_code == 403
    with pytest.raises(NoReverseMatch):
        reverse("admin:auth_group_changelist")


def test_an_owner_takes_over_no_account_with_more_rights(campaign):
    boss = enter("boss", "owner")
    users = get_user_model().objects
    root = users.create_superuser("root", "root@example.org", "the old one")
    rich = make_user("rich", "viewer", spend=True)
    plain = make_user("plain", "researcher")
    password = {"password1": "Another-1-for-you", "password2": "Another-1-for-you"}
    password |= {"usable_password": "true", "set-password": "1"}
    details = {"username": "mine", "email": "boss@example.org", "is_active": "on"}
    for other, mayed in ((root, False), (rich, False), (plain, True)):
        expected = 302 if mayed else 403
        before = users.get(pk=other.pk)
        set_password = reverse("admin:auth_user_password_change", args=[other.pk])
        assert boss.post(set_password, password).status_code == expected
        change = reverse("admin:auth_user_change", args=[other.pk])
        posted = details | {"username": other.username, "is_superuser": "on", "is_staff": "on"}
        assert boss.post(change, posted).status_code == expected
        after = users.get(pk=other.pk)
        assert (after.password != before.password) is mayed
        assert (after.email == "boss@example.org") is mayed
        assert after.is_superuser is before.is_superuser
        assert boss.get(change).status_code == 200
        assert not before.password or before.password[-32:-26] not in boss.get(change).text


def test_each_change_of_rights_is_logged_for_owners(campaign):
    boss = enter("boss", "owner")
    new = {"username": "ada", "usable_password": "true"}
    new |= {"password1": "A-long-enough-1", "password2": "A-long-enough-1"}
    assert boss.post("/admin/auth/user/add/", new).status_code == 302
    given = {"user": "ada", "role": "viewer", "campaign": campaign.pk}
    boss.post(GIVE, given)
    grant = Grant.objects.get(user__username="ada")
    boss.post(reverse("admin:annotation_grant_change", args=[grant.pk]), {"role": "owner"})
    boss.post(reverse("admin:annotation_grant_delete", args=[grant.pk]), {"post": "yes"})
    ada = get_user_model().objects.get(username="ada")
    boss.post(reverse("admin:auth_user_change", args=[ada.pk]), {"username": "ada"})
    changes = list(RightsChange.objects.order_by("pk").values_list("who", "whom", "what"))
    assert changes == [
        ("boss", "ada", "got an account"),
        ("boss", "ada", "became viewer of campaign grid"),
        ("boss", "ada", "was viewer of campaign grid, is now owner of campaign grid"),
        ("boss", "ada", "is no longer owner of campaign grid"),
        ("boss", "ada", "active: false"),
    ]
    log = "/admin/annotation/rightschange/"
    assert "is no longer owner" in boss.get(log).content.decode()
    text = enter("lead", "owner", campaign).get(log).content.decode()
    assert "is no longer owner of campaign grid" in text
    assert "got an account" not in text
    assert enter("plain", "researcher").get(log).status_code == 403
    last = RightsChange.objects.latest("pk")
    page = reverse("admin:annotation_rightschange_delete", args=[last.pk])
    assert boss.post(page, {"post": "yes"}).status_code == 403


def test_everybody_makes_and_revokes_tokens_of_their_own(campaign):
    reader, other = enter("reader", "viewer"), enter("other", "viewer")
    add = "/admin/tokens/"
    assert b"needs read or write" in reader.post(add, {"name": "x", "scopes": ["spend"]}).content
    shown = reader.post(add, {"name": "x", "scopes": ["read"], "days": 3})
    assert "no-store" in shown["Cache-Control"]
    key = shown.context["token"]
    api = Client(headers={"authorization": f"Token {key}"})
    assert api.get("/api/campaigns/grid/").status_code == 200
    token = Token.objects.get(auth_token__user__username="reader")
    assert (token.auth_token.expiry - token.auth_token.created).days in (2, 3)
    lists = reader.get(add).content.decode()
    assert token.auth_token.token_key in lists
    assert key not in lists
    assert token.auth_token.digest not in lists
    page = reverse("admin:annotation_token_delete", args=[token.pk])
    assert other.post(page, {"post": "yes"}).status_code == 404
    for listing in (add, "/admin/annotation/token/"):
        assert token.auth_token.token_key not in other.get(listing).content.decode()
    assert other.post(add, {"revoke": token.pk}).status_code == 404
    boss = enter("boss", "owner")
    assert token.auth_token.token_key in boss.get("/admin/annotation/token/").content.decode()
    assert boss.post(page, {"post": "yes"}).status_code == 302
    assert api.get("/api/campaigns/grid/").status_code == 401
    logged = RightsChange.objects.filter(whom="reader").values_list("who", flat=True)
    assert set(logged) == {"reader", "boss"}


def test_a_token_does_what_its_user_may_narrowed_by_its_scopes(campaign):
    def status(api: Client, method: str, path: str) -> int:
        body = {"why": ""} if path.endswith("pause/") else {"name": "New name"}
        send = getattr(api, method)
        return (send(path) if method == "get" else send(path, body, "application/json")).status_code

    at = "/api/campaigns/grid/"
    reading = client_of("boss", "owner", ["read"], spend=True, raw_workers=True)
    assert status(reading, "get", at) == 200
    assert [status(reading, m, p) for m, p in (("patch", at), ("post", at + "pause/"))] == [
        403,
        403,
    ]
    writing = client_of("boss", scopes=["write"])
    assert (status(writing, "get", at), status(writing, "patch", at)) == (200, 200)
    weak = client_of("weak", "viewer", ["read", "write", "spend", "raw_workers"])
    assert (status(weak, "get", at), status(weak, "patch", at)) == (200, 403)
    get_user_model().objects.create_superuser("root")
    assert status(client_of("root", scopes=["read"]), "patch", at) == 403
    Grant.objects.filter(user__username="boss").delete()
    assert status(writing, "get", at) == 404


def test_a_server_path_is_read_for_superusers_alone(campaign):
    body = {"name": "mine", "architecture": "resnet18", "weights": "/etc/passwd"}
    api = client_of("boss", "owner", spend=True, raw_workers=True)
    answer = api.post("/api/datasets/small/classifiers/", body, "application/json")
    assert (answer.status_code, list(answer.json())) == (400, ["weights"])
    page = enter("boss").post("/admin/imagesets/import/", {"slug": "new", "address": "/etc"})
    assert "Only a superuser" in page.content.decode()


def test_the_command_makes_no_user_unasked_and_never_demotes(campaign, capsys):
    with pytest.raises(CommandError, match="--role or --superuser"):
        call_command("api_token", "ada")
    with pytest.raises(CommandError, match="Unknown: nothing"):
        call_command("api_token", "ada", "--role", "viewer", "--scopes", "nothing")
    assert not get_user_model().objects.exists()
    call_command("api_token", "ada", "--role", "owner", "--scopes", "read", "--expires", "2")
    call_command("api_token", "ada", "--role", "viewer")
    assert grants_of("ada") == [("owner", None, False, False)]
    narrow, whole = Token.objects.order_by("pk")
    assert (narrow.scopes, narrow.auth_token.expiry is None) == (["read"], False)
    assert (len(whole.scopes), whole.auth_token.expiry) == (4, None)
    assert RightsChange.objects.filter(who__endswith="(terminal)", whom="ada").count() == 4
