"""An installation that used Django's permissions goes on: its staff get the roles that fit."""

import importlib

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from knox.models import AuthToken

from annotation.models import Grant, Token

migration = importlib.import_module("annotation.migrations.0001_accounts")


@pytest.mark.django_db
def test_staff_keep_what_they_do():
    def staff(name: str, *permissions: str, **flags: bool) -> User:
        user = User.objects.create(username=name, **{"is_staff": True} | flags)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        return user

    editors = Group.objects.create(name="editors")
    editors.permissions.set(Permission.objects.filter(codename="change_campaign"))
    staff("none")
    staff("reads", "view_campaign")
    staff("reviews", "change_assignment", "view_campaign")
    staff("by-group", "add_stop").groups.add(editors)
    staff("manages", "change_user")
    staff("root", is_superuser=True)
    staff("guest", is_staff=False)
    AuthToken.objects.create(user=staff("robot"))
    migration.keep_what_people_do(apps, None)
    roles = Grant.objects.values_list("user__username", "role", "campaign", "spend", "raw_workers")
    assert set(roles) == {
        ("none", "viewer", None, False, False),
        ("reads", "viewer", None, False, False),
        ("reviews", "reviewer", None, False, False),
        ("by-group", "researcher", None, False, False),
        ("manages", "owner", None, False, False),
        ("robot", "viewer", None, False, False),
    }
    assert len(Token.objects.get().scopes) == 4
