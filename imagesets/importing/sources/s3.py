"""Images below s3://bucket/prefix; they may stay in place."""

import functools
from collections.abc import Callable, Container, Iterable, Iterator

from imagesets.errors import ImportRefused
from imagesets.importing.sources.entries import Entry, is_picture_name
from imagesets.labels.imagenet import ClassEntry
from imagesets.locations import read, s3_client, s3_trouble, split_s3


class S3Source:
    """Every image object below a prefix; its key is what follows the prefix."""

    remote = True
    in_folders = True

    def __init__(self, address: str) -> None:
        self.address = address
        self.bucket, prefix = split_s3(address)
        if not self.bucket:
            raise ImportRefused(f"{address}: must name a bucket (s3://bucket/prefix)")
        self.prefix = f"{prefix.rstrip('/')}/" if prefix else ""
        self.classes: dict[str, ClassEntry] = {}
        self.notes: list[str] = []

    def entries(self, named: Container[str]) -> Iterator[Entry]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            pages = s3_client().get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix):
                for item in page.get("Contents", ()):
                    key = item["Key"].removeprefix(self.prefix)
                    if key and not key.endswith("/") and is_picture_name(key, named):
                        yield Entry(key, location=f"s3://{self.bucket}/{item['Key']}")
        except (BotoCoreError, ClientError, ValueError) as error:
            raise ImportRefused(f"{self.address}: {s3_trouble(error)}") from error

    def read(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Callable[[], bytes]]]:
        for entry in entries:
            yield entry, functools.partial(read, entry.location)
