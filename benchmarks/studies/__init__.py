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
STUDY = """
    INSERT INTO tasks_pair (id, campaign_id, image_id, label_id, sources)
      SELECT n, 1, {image}, {label}, '[]' FROM generate_series(0, {hits} * {tiles} - 1) n;
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
             ARRAY(SELECT p FROM generate_series(0, {tiles} - 1) p WHERE random() < {chance}),
             '{{}}', '{{}}', '', 30 + random() * 60
      FROM (SELECT h, r, 1 + (h * 13 + r * 17) % {workers} AS w
            FROM generate_series(1, {hits}) h, generate_series(0, {r} - 1) r) a;
    ANALYZE;
"""
# Pair p is a true one where p % 4 = 0; worker w misses 5 to 35% and invents 2 to 12%.
MANY_LABELS_EACH = {
    "image": "1 + n / 1000 % {images}",
    "label": "1 + n % 1000",
    "chance": "CASE WHEN p % 4 = 0 THEN 0.65 + w % 4 * 0.1 ELSE 0.02 + w % 3 * 0.05 END",
}
# Pair n is candidate n / images of its image, the dataset label first; each worker leans one way.
FOURTEEN_LABELS_EACH = {
    "image": "1 + n % {images}",
    "label": "1 + (1 + n % {images} + 37 * (n / {images})) % 1000",
    "chance": """(
        SELECT 0.04 * (w % 5 - 2) + CASE q / {images} WHEN 0 THEN 0.5 + 0.5 * u
            WHEN 1 THEN 0.2 + 0.6 * u WHEN 2 THEN 0.4 * u ELSE 0.02 + 0.1 * u ^ 3 END
        FROM (SELECT q, (hashint4(q) & 1023) / 1023.0 AS u
              FROM (SELECT (h - 1) * {tiles} + p AS q) a) b)""",
}

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
    hits = max(1, round(judgments / TILES / R))
    return _make_contains(hits, hits * TILES // 14 + 1000, workers, MANY_LABELS_EACH)


def _make_contains(hits: int, images: int, workers: int, pairs: dict[str, str]):
    """The dataset `bench` and its CONTAINS campaign, by `pairs`: SQL for `image` and `label` of
    pair n, and the `chance` that worker w selects position p of HIT h."""
    from django.core.management import call_command
    from django.db import connection

    from imagesets.models import Dataset
    from tasks.models import Campaign

    call_command("migrate", verbosity=0)
    sizes: dict[str, object] = {"hits": hits, "tiles": TILES, "workers": workers, "r": R}
    sizes["images"] = images
    pairs = {name: sql.format(**sizes) for name, sql in pairs.items()}
    with connection.cursor() as cursor:
        cursor.execute(IMAGES.format(**sizes))
        campaign = Campaign.objects.create(
            id=1, slug="bench", name="Bench", dataset=Dataset.objects.get(), kind="contains"
        )
        cursor.execute(STUDY.format(**sizes, **pairs))
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


# The first of the labels that its HITs offer with an image, one in most answers; each worker names
# the first or the last of theirs main.
CLASSIFY_AS_PUBLISHED = """
    INSERT INTO tasks_assignment (campaign_id, hit_id, worker_id, key, round, state, outcome,
        set_aside, imported, opened_at, submitted_at, shown, selected, maybe, unseen, answers,
        comment, active_seconds)
      SELECT 2, h.id, 1 + (h.id * 13 + r * 17) % {workers}, 'c' || h.id || '-' || r, 1 + r / 3,
             'submitted', 'accepted', false, false, now(), now() + r * interval '1 second',
             ARRAY(SELECT position FROM tasks_hititem WHERE hit_id = h.id ORDER BY position),
             '{{}}', '{{}}', '{{}}',
             (SELECT jsonb_agg(jsonb_build_object('offered', offered, 'selected', chosen, 'main',
                CASE WHEN random() < 0.8 THEN chosen[1] ELSE chosen[cardinality(chosen)] END,
                'other', '') ORDER BY position)
              FROM (SELECT position, offered, offered[1:CASE WHEN random() < 0.75
                      THEN 1 + image_id % 10 / 8 ELSE 1 + (random() * 2)::int END] AS chosen
                    FROM (SELECT i.position, i.image_id, ARRAY(
                            SELECT label_id FROM tasks_pair p
                            WHERE p.campaign_id = 2 AND p.image_id = i.image_id ORDER BY id
                          ) AS offered
                          FROM tasks_hititem i WHERE i.hit_id = h.id) a) b),
             '', 30 + random() * 60
      FROM tasks_hit h, generate_series(0, {r} - 1) r WHERE h.campaign_id = 2;
    UPDATE tasks_campaign SET state = 'closed' WHERE id = 2;
    ANALYZE;
"""
# Classifier c is right on half of the images and more; else the second candidate comes first.
PREDICTIONS = """
    INSERT INTO models_inference_prediction (classifier_id, image_id, labels, scores)
      SELECT {classifier}, id, ARRAY(
               SELECT 1 + (id + 37 * CASE WHEN k < 2 AND wrong THEN 1 - k ELSE k END) % 1000
               FROM generate_series(0, 4) k), ARRAY[0.6, 0.2, 0.1, 0.05, 0.02]
      FROM (SELECT id, (hashint8(id * 64 + {classifier}) & 1023) / 1023.0 > 0.5 + 0.04 * {place}
                   AS wrong FROM imagesets_image) a;
"""


def make_whole_study(images: int, workers: int, classifiers: int):
    """A CONTAINS campaign of 14 candidates an image, nine answers each, the CLASSIFY campaign that
    followed it, both aggregated, and classifiers with five labels and all logits of each image."""
    from django.db import connection

    from tasks.campaigns.publish import publish
    from tasks.models import Campaign
    from tasks.results import aggregate

    contains = _make_contains(round(14 * images / TILES), images, workers, FOURTEEN_LABELS_EACH)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE imagesets_label SET superclass = 'kind ' || id % 20")
        cursor.execute(
            "INSERT INTO tasks_campaignimage"
            ' (campaign_id, image_id, "group", asked, inclusion_probability)'
            " SELECT 1, id, '', true, 1 FROM imagesets_image"
        )
        for table in ("pair", "hit"):  # theirs have numbers that no sequence gave
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('tasks_{table}', 'id'), max(id))"
                f" FROM tasks_{table}"
            )
    for place in range(classifiers):
        _make_classifier(contains.dataset, place)
    aggregate(contains)
    Campaign.objects.filter(pk=contains.pk).update(state="finished")
    classify = Campaign.objects.create(
        id=2,
        slug="bench-2",
        name="Bench 2",
        dataset=contains.dataset,
        kind="classify",
        source=contains,
        workers_per_item=R,
        title="Look again",
        instructions="Look closely.",
    )
    publish(classify, who="the benchmark")
    with connection.cursor() as cursor:
        cursor.execute(CLASSIFY_AS_PUBLISHED.format(workers=workers, r=R))
    aggregate(classify)
    return contains, classify


def _make_classifier(dataset, place: int) -> None:
    import numpy as np
    from django.db import connection

    from models_inference.models import Classifier, Prediction
    from models_inference.predictions.logits import keep_logits

    keys = list(dataset.labels.order_by("pk").values_list("key", flat=True))
    classifier = Classifier.objects.create(dataset=dataset, name=f"model {place}", mapping=keys)
    with connection.cursor() as cursor:
        cursor.execute(PREDICTIONS.format(classifier=classifier.pk, place=place))
    predicted = Prediction.objects.filter(classifier=classifier).order_by("image")
    ids, ranked = zip(*predicted.values_list("image", "labels"), strict=True)
    logits = np.random.default_rng(place).normal(0, 1, (len(ids), len(keys)))
    rows = np.arange(len(ids))[:, None]
    logits[rows, np.array(ranked) - 1] = [10, 9, 8, 7, 6]  # ids of labels count from 1
    keep_logits(classifier, ids, logits)
