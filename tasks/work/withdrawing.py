"""What withdrawing images does to campaigns: it is logged, and emptied HITs are given up (V9)."""

from collections.abc import Sequence

from django.db import connection, transaction
from django.db.models import Q

from imagesets.clock import Now
from imagesets.models import Image
from tasks.models import HIT, Campaign, HITItem, Place, Transition
from tasks.models.campaign import State
from tasks.models.hit import Role
from tasks.work.rounds import go_on_if_answered, restore_places

_STUDY_ITEMS_LEFT = f"""
    EXISTS (SELECT FROM tasks_hititem i JOIN imagesets_image im ON im.id = i.image_id
            WHERE i.hit_id = h.id AND i.role = '{Role.STUDY}' AND im.withdrawn_at IS NULL)
"""
_CHANGED = f"""
    SELECT h.id FROM tasks_hit h
    WHERE h.campaign_id = %(campaign)s AND h.asks_nothing = {_STUDY_ITEMS_LEFT}
      AND h.id IN (SELECT hit_id FROM tasks_hititem WHERE image_id = ANY (%(images)s))
"""


def campaigns_with(images: Sequence[Image]) -> list[Campaign]:
    """The campaigns with these images in their HITs, or among the images that they are about."""
    shown = HITItem.objects.filter(image__in=images).values("hit__campaign")
    of_dataset = Campaign.objects.filter(dataset__in={image.dataset_id for image in images})
    about = of_dataset.filter(campaign_images__image__in=images)
    both = Q(pk__in=about.values("pk")) | Q(pk__in=shown)
    return list(of_dataset.filter(both).order_by("pk"))


def carry_on_without(images: Sequence[Image], who: str, why: str) -> list[Campaign]:
    """Let the campaigns of images that were withdrawn go on without them; returns these campaigns.

    Call it once the withdrawal is committed: then no HIT that is laid out meanwhile is missed.
    """
    return _follow(images, "withdrawn", who, why)


def carry_on_with(images: Sequence[Image], who: str, why: str) -> list[Campaign]:
    """Ask again what images that were brought back are asked about; returns their campaigns."""
    return _follow(images, "brought back", who, why)


def _follow(images: Sequence[Image], what: str, who: str, why: str) -> list[Campaign]:
    campaigns = campaigns_with(images)
    for campaign in campaigns:
        with transaction.atomic():
            locked = Campaign.locked(campaign.pk)
            Transition.objects.bulk_create(
                Transition(
                    campaign=locked,
                    subject=f"image {image.key}"[:100],
                    after=what,
                    who=who,
                    why=why,
                )
                for image in images
            )
            empty_or_fill(locked, images, who)
        campaign.refresh_from_db()
        go_on_if_answered(campaign)
    return campaigns


def empty_or_fill(locked: Campaign, images: Sequence[Image], who: str) -> None:
    """Make the HITs with these images ask nothing, or ask again, as the images now are.

    The free places of the former are given up; open work may be finished, and is paid. The latter
    get the places that they lack, as far as the budget carries them.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED, {"campaign": locked.pk, "images": [image.pk for image in images]})
        hits = HIT.objects.filter(pk__in=[pk for (pk,) in cursor.fetchall()])
    refilled = hits.filter(asks_nothing=True).exists()
    emptied = list(hits.filter(asks_nothing=False).values_list("pk", flat=True))
    hits.filter(asks_nothing=True).update(asks_nothing=False)
    HIT.objects.filter(pk__in=emptied).update(asks_nothing=True)
    free = Place.objects.select_for_update(of=("self",), skip_locked=True)
    gone = free.filter(hit__in=emptied, free_at__lte=Now())
    Place.objects.filter(pk__in=[place.pk for place in gone]).delete()
    wanted = refilled and locked.state in (State.OPEN, State.PAUSED, State.FINISHED)
    if wanted and (places := restore_places(locked)) and locked.state == State.FINISHED:
        locked.move_to(State.OPEN, who, f"{places} places are free again")
