"""Studies of generated results of any size for the explorer, made by SQL: answers, frequencies,
objects, predictions. Several may stand in one database."""

LABELS, CANDIDATES, TILES, R = 1000, 10, 48, 9
CLASSIFIERS = 6
DILIGENT, ANSWERS = 401, 40  # a worker, and how many answers they gave in every study

# Ids begin at multiples of the study's number `d`, so that studies do not meet. Pair p is candidate
# p / images of image p % images, the dataset label first.
STUDY = """
    INSERT INTO imagesets_dataset (id, slug, name, created_at)
      VALUES ({d}, '{slug}', '{slug}', now());
    INSERT INTO imagesets_label (id, dataset_id, key, names, definition, wikipedia, superclass)
      SELECT {label} + n, {d}, 'n' || lpad(n::text, 8, '0'), ARRAY['thing ' || n], '', '{{}}', ''
      FROM generate_series(0, {labels} - 1) n;
    INSERT INTO imagesets_image
        (id, dataset_id, key, public_id, location, sha256, width, height, dataset_label_id)
      SELECT {image} + n, {d}, 'val/ILSVRC2012_val_' || lpad(n::text, 8, '0') || '.JPEG',
             '{d}' || lpad(n::text, 15, 'x'), '', lpad((10 * n + {d})::text, 64, '0'), 500, 375,
             {label} + n % {labels}
      FROM generate_series(0, {images} - 1) n;
    INSERT INTO tasks_campaignimage
        (campaign_id, image_id, "group", asked, inclusion_probability)
      SELECT {contains}, {image} + n, '', true, 1 FROM generate_series(0, {images} - 1) n
      UNION ALL
      SELECT {classify}, {image} + n, g, g IN ('fu', 'mis'), 1 FROM (
        SELECT n, CASE WHEN u < 680 THEN 'fu' WHEN u < 970 THEN 'easy' WHEN u < 985 THEN 'mis'
                  ELSE 'amb' END AS g
        FROM (SELECT n, hashint4(n) & 1023 AS u FROM generate_series(0, {images} - 1) n) a) b;
    INSERT INTO tasks_pair (id, campaign_id, image_id, label_id, sources)
      SELECT {pair} + p, {contains}, {image} + p % {images},
             {label} + (p % {images} + 37 * (p / {images})) % {labels},
             CASE WHEN p < {images} THEN '["dataset"]'
                  ELSE '[["net 1", 2, 0.25], ["net 2", 3, 0.125]]' END::jsonb
      FROM generate_series(0, {candidates} * {images} - 1) p;
    INSERT INTO tasks_pairresult
        (pair_id, run_id, selected, maybe, shown, sf, sf_low, sf_high, posterior)
      SELECT {pair} + p, {contains}, s, 0, {r}, s / {r}.0, greatest(0, s / {r}.0 - 0.3),
             least(1, s / {r}.0 + 0.3), 1 / (1 + exp(5 - 10 * (s / {r}.0)))
      FROM (SELECT p, floor((CASE p / {images} WHEN 0 THEN 0.5 + 0.5 * u WHEN 1 THEN 0.2 + 0.6 * u
                             ELSE 0.5 * u ^ 3 END) * ({r} + 1))::int AS s
            FROM (SELECT p, (hashint4(p + {d}) & 1023) / 1024.0 AS u
                  FROM generate_series(0, {candidates} * {images} - 1) p) a) b;
    INSERT INTO tasks_imageresult (run_id, campaign_id, image_id, main_label, main_votes,
        num_objects, object_counts, objects_found, main_object, dataset_object, workers)
      SELECT {classify}, {classify}, {image} + n, CASE WHEN v > 4 THEN a ELSE b END,
             jsonb_build_object(a, v, b, {r} - v), 1 + (v < 7)::int + (v < 3)::int,
             jsonb_build_object('1', v, '2', {r} - v),
             jsonb_build_array(
               jsonb_build_object('name', a, 'main_votes', v,
                 'labels', jsonb_build_object(a, '{{"share": 1.0, "fraction": 1.0}}'::jsonb)),
               jsonb_build_object('name', b, 'main_votes', {r} - v,
                 'labels', jsonb_build_object(b, '{{"share": 1.0, "fraction": 0.5}}'::jsonb))),
             (v < 5)::int, 0, {r}
      FROM (SELECT n, hashint4(n + 7) & 7 AS v, 'n' || lpad((n % {labels})::text, 8, '0') AS a,
                   'n' || lpad(((n + 37) % {labels})::text, 8, '0') AS b
            FROM generate_series(0, {images} - 1) n WHERE hashint4(n) & 1023 < 680) c;
    INSERT INTO models_inference_classifier (id, dataset_id, name, architecture, weights, input,
        weights_sha256, created_at)
      SELECT {classifier} + c, {d}, 'net ' || c, '', '', '{{}}', '', now()
      FROM generate_series(0, {classifiers} - 1) c;
    INSERT INTO models_inference_prediction (classifier_id, image_id, labels, scores)
      SELECT {classifier} + c, {image} + n, ARRAY(
               SELECT {label} + (n + 37 * CASE WHEN k < 2 AND w THEN 1 - k ELSE k END) % {labels}
               FROM generate_series(0, 4) k), ARRAY[0.6, 0.2, 0.1, 0.05, 0.02]
      FROM (SELECT n, c, (hashint4(64 * n + c) & 1023) / 1023.0 > 0.5 + 0.06 * c AS w
            FROM generate_series(0, {images} - 1) n, generate_series(0, {classifiers} - 1) c) a;
    INSERT INTO tasks_hit (id, campaign_id, key, public_id, expected_seconds)
      SELECT {hit} + h, {contains}, lpad(h::text, 7, '0'), '{d}' || lpad(h::text, 15, 'h'), 87
      FROM generate_series(0, {hits} - 1) h;
    INSERT INTO tasks_hititem (hit_id, position, section, image_id, label_id, role, pair_id)
      SELECT {hit} + (id - {pair}) / {tiles}, (id - {pair}) % {tiles}, 0, image_id, label_id,
             'study', id
      FROM tasks_pair WHERE campaign_id = {contains};
    INSERT INTO tasks_assignment (campaign_id, hit_id, worker_id, key, round, state, outcome,
        set_aside, imported, opened_at, submitted_at, shown, selected, maybe, unseen, comment,
        active_seconds)
      SELECT {contains}, {hit} + h, 1 + (h * 13 + r * 17) % 400, 'a' || h || '-' || r, 1 + r / 3,
             'submitted', 'accepted', false, false, now(), now(), shown, shown[1 + r:4 + r],
             '{{}}', '{{}}', '', 60
      FROM generate_series(0, {hits} - 1) h, generate_series(0, {r} - 1) r,
           (SELECT ARRAY(SELECT generate_series(0, {tiles} - 1)) AS shown) s;
    INSERT INTO tasks_assignment (campaign_id, hit_id, worker_id, key, round, state, outcome,
        set_aside, imported, opened_at, submitted_at, shown, selected, maybe, unseen, comment,
        active_seconds)
      SELECT {contains}, {hit} + h, {diligent}, 'd' || h, 1, 'submitted', 'accepted', false, false,
             now(), now(), shown, shown[1:4], '{{}}', '{{}}', '', 60
      FROM generate_series(0, {answers} - 1) h,
           (SELECT ARRAY(SELECT generate_series(0, {tiles} - 1)) AS shown) s;
    INSERT INTO tasks_workerresult (run_id, campaign_id, worker_id, assignments, items, agreement,
        median_seconds)
      SELECT {contains}, {contains}, id, 40, 40 * {tiles}, 0.9, 60 FROM tasks_worker;
    INSERT INTO tasks_keptreport (run_id, document, at) VALUES ({classify}, '{{}}', now());
    INSERT INTO tasks_labelresult (report_id, label_id, images, sf, sf_images, answered, responses,
        own_votes, followed_up, agreement, accuracy, classifiers, others)
      SELECT {classify}, {label} + n, {images} / {labels}, u, {images} / {labels},
             {images} / {labels}, {r} * {images} / {labels}, {images} / {labels},
             {images} / {labels}, u, u,
             (SELECT jsonb_object_agg('net ' || c, '{{"right": 1, "of": 1}}'::jsonb)
              FROM generate_series(0, {classifiers} - 1) c),
             (SELECT jsonb_agg(jsonb_build_object(
                'label', 'n' || lpad(((n + 37 * c) % {labels})::text, 8, '0'), 'main_votes', 3,
                'main_images', 1, 'both', 1, 'selected', 4, 'shown', 9))
              FROM generate_series(1, 12) c)
      FROM (SELECT n, (hashint4(n) & 1023) / 1023.0 AS u FROM generate_series(0, {labels} - 1) n) l;
    INSERT INTO tasks_labelpair (report_id, kind, rank, a_id, b_id, images, of, one_object,
        pictures_a, pictures_b)
      SELECT {classify}, kind, 1 + n, {label} + n % {labels}, {label} + (n + 37) % {labels}, 3, 10,
             0.75, ARRAY(SELECT key FROM imagesets_image i
                         WHERE dataset_label_id = {label} + n % {labels} LIMIT 6), '{{}}'
      FROM generate_series(0, 4999) n,
           unnest(ARRAY['confused', 'renamed', 'beside', 'accepted']) kind;
"""
WORKERS = """
    INSERT INTO tasks_worker (id, crowd, external_id, pseudonym, created_at)
      SELECT n, 'local', 'w' || n, 'w' || lpad(n::text, 16, 'a'), now()
      FROM generate_series(1, {diligent}) n ON CONFLICT DO NOTHING
"""


def make_explored(number: int, images: int):
    """The dataset `explored-NUMBER` of so many images and ten times as many pairs, nine answers
    each, with a CONTAINS campaign, the CLASSIFY campaign that followed it, and six classifiers."""
    from django.db import connection, transaction

    from imagesets.models import Dataset
    from tasks.models import Campaign, Run

    slug = f"explored-{number}"
    contains_id, classify_id = 2 * number + 1, 2 * number + 2
    sizes = {
        "d": number,
        "slug": slug,
        "images": images,
        "labels": LABELS,
        "tiles": TILES,
        "r": R,
        "diligent": DILIGENT,
        "answers": ANSWERS,
        "candidates": CANDIDATES,
        "classifiers": CLASSIFIERS,
        "hits": -(-images * CANDIDATES // TILES),
        "contains": contains_id,
        "classify": classify_id,
        "label": 100_000 * number,
        "image": 100_000_000 * number,
        "pair": 1_000_000_000 * number,
        "hit": 100_000_000 * number,
        "classifier": 1_000 * number,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(WORKERS.format(diligent=DILIGENT))
        statements = STUDY.format(**sizes).split(";\n")
        cursor.execute(statements[0])
        dataset = Dataset.objects.get(slug=slug)
        contains = Campaign.objects.create(
            id=contains_id,
            slug=f"{slug}-contains",
            name=f"{slug}: which contain X?",
            dataset=dataset,
            kind="contains",
            state="closed",
        )
        classify = Campaign.objects.create(
            id=classify_id,
            slug=f"{slug}-classify",
            name=f"{slug}: which objects?",
            dataset=dataset,
            kind="classify",
            state="closed",
            source=contains,
        )
        for campaign in (contains, classify):
            Run.objects.create(id=campaign.pk, campaign=campaign, version="bench")
        for statement in statements[1:]:
            if statement.strip():
                cursor.execute(statement)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return dataset
