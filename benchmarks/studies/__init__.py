"""Studies of generated answers of any size, made by SQL at the database's own speed."""

TILES = 48
PICTURES = 5  # of a CLASSIFY HIT
R = 9

IMAGES = """
    INSERT INTO imagesets_dataset (id, slug, name, created_at) VALUES (1, 'bench', 'Bench', now());
    INSERT INTO imagesets_label (id, dataset_id, key, names, definition, wikipedia, superclass)
      SELECT n, 1, 'n' || lpad(n::text, 8, '0'), ARRAY['thing ' || n], '', '{{}}', ''
      FROM generate_series(1, 1000) n;
    INSERT INTO imagesets_image
        (id, dataset_id, key, public_id, location, sha256, width, height, dataset_label_id)
      SELECT n, 1, 'val/ILSVRC2012_val_' || lpad(n::text, 8, '0') || '.JPEG',
             lpad(n::text, 16, 'x'), '', lpad(n::text, 64, '0'), 500, 375, 1 + n % 1000
      FROM generate_series(1, {images}) n;
"""
# Pair p is a true one where p % 4 = 0; worker w misses 5 to 35% and invents 2 to 12%.
STUDY = """
    INSERT INTO tasks_pair (id, campaign_id, image_id, label_id, sources)
      SELECT n, 1, 1 + n / 1000 % {images}, 1 + n % 1000, '[]'
      FROM generate_series(0, {hits} * {tiles} - 1) n;
    INSERT INTO tasks_hit (id, campaign_id, key, public_id, expected_seconds)
      SELECT n, 1, lpad(n::text, 7, '0'), lpad(n::text, 16, 'h'), 87
      FROM generate_series(1, {hits}) n;
    INSERT INTO tasks_hititem (hit_id, position, section, image_id, label_id, role, pair_id)
      SELECT 1 + id / {tiles}, id % {tiles}, 0, image_id, label_id, 'study', id FROM tasks_pair;
    INSERT INTO tasks_worker (id, crowd, external_id, pseudonym, created_at)
      SELECT n, 'local', 'w' || n, 'w' || lpad(n::text, 16, 'a'), now()
      FROM generate_series(1, {workers}) n;
    INSERT INTO tasks_assignment (campaign_id, hit_id, worker_id, key, round, state, outcome,
        set_aside, imported, opened_at, submitted_at, shown, selected, maybe, unseen, comment,
        active_seconds)
      SELECT 1, h, w, 'a' || h || '-' || r, 1 + r / 3, 'submitted', 'accepted', false, false,
             now(), now() + (r * {hits} + h) * interval '1 second',
             ARRAY(SELECT (p + r * 5) % {tiles} FROM generate_series(0, {tiles} - 1) p),
             ARRAY(SELECT p FROM generate_series(0, {tiles} - 1) p
                   WHERE random() < CASE WHEN p % 4 = 0 THEN 0.65 + w % 4 * 0.1
                                         ELSE 0.02 + w % 3 * 0.05 END),
             '{{}}', '{{}}', '', 30 + random() * 60
      FROM (SELECT h, r, 1 + (h * 13 + r * 17) % {workers} AS w
            FROM generate_series(1, {hits}) h, generate_series(0, {r} - 1) r) a;
    ANALYZE;
"""

# Six labels are offered with each image, one to three of them selected, the first of these main.
CLASSIFY = """
    INSERT INTO tasks_hit (id, campaign_id, key, public_id, expected_seconds)
      SELECT {first} + n, 2, lpad(n::text, 7, '0'), lpad(n::text, 16, 'c'), 90
      FROM generate_series(1, {hits}) n;
    INSERT INTO tasks_hititem (hit_id, position, section, image_id, role)
      SELECT {first} + h, p, p, 1 + (h * {pictures} + p) % {images}, 'study'
      FROM generate_series(1, {hits}) h, generate_series(0, {pictures} - 1) p;
    INSERT INTO tasks_assignment (campaign_id, hit_id, worker_id, key, round, state, outcome,
        set_aside, imported, opened_at, submitted_at, shown, selected, maybe, unseen, answers,
        comment, active_seconds)
      SELECT 2, {first} + h, w, 'a' || h || '-' || r, 1 + r / 3, 'submitted', 'accepted', false,
             false, now(), now() + (r * {hits} + h) * interval '1 second',
             ARRAY(SELECT p FROM generate_series(0, {pictures} - 1) p), '{{}}', '{{}}', '{{}}',
             (SELECT jsonb_agg(jsonb_build_object(
                'offered', o.offered, 'selected', o.offered[1:1 + (h + r + p) % 3],
                'main', o.offered[1], 'other', '') ORDER BY p)
              FROM generate_series(0, {pictures} - 1) p
              CROSS JOIN LATERAL (SELECT ARRAY(
                SELECT 1 + (h * 7 + p * 31 + k * 131) % 1000 FROM generate_series(0, 5) k
              ) AS offered) o),
             '', 30 + random() * 60
      FROM (SELECT h, r, 1 + (h * 13 + r * 17) % {workers} AS w
            FROM generate_series(1, {hits}) h, generate_series(0, {r} - 1) r) a;
    ANALYZE;
"""


def make_study(judgments: int, workers: int = 400):
    """A CONTAINS campaign with about `judgments` judgments, nine on each pair."""
    from django.core.management import call_command
    from django.db import connection

    from imagesets.models import Dataset
    from tasks.models import Campaign

    call_command("migrate", verbosity=0)
    hits = max(1, round(judgments / TILES / R))
    sizes = {"hits": hits, "tiles": TILES, "workers": workers, "r": R}
    sizes["images"] = hits * TILES // 14 + 1000
    with connection.cursor() as cursor:
        cursor.execute(IMAGES.format(**sizes))
        campaign = Campaign.objects.create(
            id=1, slug="bench", name="Bench", dataset=Dataset.objects.get(), kind="contains"
        )
        cursor.execute(STUDY.format(**sizes))
    return campaign


def make_classify_study(contains, judgments: int, workers: int = 400):
    """A CLASSIFY campaign with about `judgments` responses, nine on each image, beside the CONTAINS
    campaign that make_study made."""
    from django.db import connection

    from tasks.models import Campaign

    hits = max(1, round(judgments / PICTURES / R))
    sizes = {"hits": hits, "pictures": PICTURES, "workers": workers, "r": R}
    sizes |= {"first": contains.hits.count(), "images": contains.dataset.images.count()}
    campaign = Campaign.objects.create(
        id=2, slug="bench-2", name="Bench 2", dataset=contains.dataset, kind="classify"
    )
    with connection.cursor() as cursor:
        cursor.execute(CLASSIFY.format(**sizes))
    return campaign
