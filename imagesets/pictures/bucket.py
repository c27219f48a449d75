"""Workers' pictures in the bucket AWS_STORAGE_BUCKET_NAME, and the addresses that show them.

Public addresses if AWS_S3_CUSTOM_DOMAIN names a host that serves the bucket (a CDN); else signed
ones, which any S3-compatible store accepts.
"""

import functools
import time
from typing import Any

from django.conf import settings

from imagesets.locations import s3_client, s3_trouble

YEAR = 365 * 24 * 3600
# A page keeps its addresses while somebody works on it, at most an hour. Addresses that stay the
# same for some hours let browsers use their caches.
SAME, VALID = 6 * 3600, 24 * 3600  # seconds


def in_use() -> bool:
    """Whether the site keeps workers' pictures in a bucket."""
    return bool(settings.AWS_STORAGE_BUCKET_NAME)


def put(name: str, content: bytes) -> None:
    """Store one picture. Raises OSError if the bucket refuses it."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        s3_client().put_object(
            Bucket=settings.AWS_STORAGE_BUCKET_NAME,
            Key=name,
            Body=content,
            ContentType="image/webp",
            CacheControl=f"public, max-age={YEAR}, immutable",
        )
    except (BotoCoreError, ClientError) as error:
        place = f"s3://{settings.AWS_STORAGE_BUCKET_NAME}/{name}"
        raise OSError(f"{place}: {s3_trouble(error)}") from error


def delete(name: str) -> None:
    """Delete one picture, if it is there. Raises OSError if the bucket refuses it."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        s3_client().delete_object(Bucket=settings.AWS_STORAGE_BUCKET_NAME, Key=name)
    except (BotoCoreError, ClientError) as error:
        place = f"s3://{settings.AWS_STORAGE_BUCKET_NAME}/{name}"
        raise OSError(f"{place}: {s3_trouble(error)}") from error


def address(name: str) -> str:
    """Where a browser finds a picture; a signed address is valid for at least 18 hours."""
    if settings.AWS_S3_CUSTOM_DOMAIN:
        return f"https://{settings.AWS_S3_CUSTOM_DOMAIN}/{name}"
    return _signed(settings.AWS_STORAGE_BUCKET_NAME, name, int(time.time() // SAME))


@functools.lru_cache(maxsize=100_000)
def _signed(bucket: str, name: str, period: int) -> str:
    return _signer(bucket).generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": name}, ExpiresIn=VALID
    )


@functools.cache
def _signer(bucket: str) -> Any:
    import boto3
    from botocore.config import Config

    # Use the region's own host: Amazon's global one redirects, which breaks signatures.
    style = "path" if "." in bucket else "virtual"
    own = s3_client().meta.endpoint_url
    if "amazonaws.com" not in own:
        style = "path"
    return boto3.client(
        "s3",
        region_name=settings.AWS_S3_REGION_NAME,
        config=Config(signature_version="s3v4", s3={"addressing_style": style}),
    )


def forget() -> None:
    """Drop cached clients and addresses, as after a change of the environment."""
    _signed.cache_clear()
    _signer.cache_clear()
    s3_client.cache_clear()
