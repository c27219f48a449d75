"""Finds the images that staged judgments name by other paths than their keys."""

from imagesets.models import Dataset
from imagesets.tables.image_paths import ImagePaths, NoImage
from tasks.responses.errors import Problems

_NAMED = """
    SELECT s.image, min(s.row), count(*), EXISTS (
      SELECT FROM imagesets_image i WHERE i.dataset_id = %s AND i.key = s.image) AS known
    FROM responses_staged s GROUP BY s.image ORDER BY known DESC, min(s.row)
"""
_RENAME = """
    UPDATE responses_staged s SET image = m.key
    FROM unnest(%s::text[], %s::text[]) AS m (path, key) WHERE s.image = m.path
"""


def find_images(cursor, dataset: Dataset, problems: Problems) -> str:
    """Write each path that means one image as its key; return how many, as a clause.

    Notes an error for each path that means none, or more than one.
    """
    cursor.execute(_NAMED, [dataset.pk])
    named = cursor.fetchall()
    if all(known for *_, known in named):
        return ""
    paths = ImagePaths(set(dataset.images.values_list("key", flat=True)))
    for path, row, count, _ in named:
        try:
            paths.key(path)
        except NoImage as error:
            problems.add(row, "image", str(error), count)
    if paths.taken_for:
        cursor.execute(_RENAME, [list(paths.taken_for), list(paths.taken_for.values())])
    return paths.note()
