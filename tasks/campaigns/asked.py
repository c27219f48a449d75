"""What publishing a draft would ask; and which campaigns were closed before they asked anything."""

from copy import copy

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from imagesets.models import Label
from tasks.campaigns.choosing import candidate_rows, chosen_images
from tasks.campaigns.follow_up import counted_pairs
from tasks.campaigns.freezing import FollowUp, offered_by_models, seed_of
from tasks.models import HIT, Campaign, Pair
from tasks.models.campaign import Kind, State


def without_discarded(campaigns: QuerySet[Campaign]) -> QuerySet[Campaign]:
    """Without drafts that were closed before they asked or held anything."""
    holds = [Exists(rows.objects.filter(campaign=OuterRef("pk"))) for rows in (Pair, HIT)]
    return campaigns.filter(~Q(state=State.CLOSED) | Q(*holds, _connector=Q.OR))


def labels_of_draft(draft: Campaign) -> list[Label]:
    """The labels that it would ask about. Raises Refused or ValueError."""
    if draft.kind == Kind.CLASSIFY:
        keys = {key for labels in _offered(draft).values() for key in labels}
        return list(draft.dataset.labels.filter(key__in=keys).order_by("key"))
    sql, parameters = candidate_rows(draft, chosen_images(draft))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT label_id FROM ({sql}) AS candidates", parameters)
        ids = [row[0] for row in cursor.fetchall()]
    return list(Label.objects.filter(id__in=ids).order_by("key"))


def images_asked(draft: Campaign, label: Label) -> list[int]:
    """The images (ids) that cannot be controls of this label, since it would ask them.

    In CLASSIFY: all that it asks. Raises Refused or ValueError.
    """
    if draft.kind == Kind.CLASSIFY:
        return list(_offered(draft))
    sql, parameters = candidate_rows(draft, chosen_images(draft))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT image_id FROM ({sql}) AS candidates WHERE label_id = %(label)s",
            parameters | {"label": label.pk},
        )
        return [row[0] for row in cursor.fetchall()]


def _offered(draft: Campaign) -> dict[int, list[str]]:
    """CLASSIFY: the labels (keys) that it would offer for each image that it asks."""
    if draft.source is None:
        return offered_by_models(draft, *candidate_rows(draft, chosen_images(draft)))
    seeded = copy(draft)
    seeded.seed = seed_of(draft)
    return FollowUp.of(seeded, draft.source, counted_pairs(draft.source)).offered
