"""Reads and writes bytes by location: a file's path or an s3:// address."""

import functools
import hashlib
import re
from typing import Any

from django.conf import settings

ATTEMPTS = 2
# Errors of S3 that concern every file, not only the one asked for.
FOR_EVERY_FILE = {
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "NoSuchBucket",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "SlowDown",
}
OF_THE_ACCOUNT = {"AccessDenied", "ExpiredToken", "InvalidAccessKeyId", "InvalidToken"}
OF_THE_ACCOUNT |= {"SignatureDoesNotMatch"}
ACCOUNT = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_ENDPOINT_URL: not Amazon's own S3)"


def split_s3(address: str) -> tuple[str, str]:
    """("bucket", "key/or/prefix") of "s3://bucket/key/or/prefix"."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return bucket, key


def is_address(where: str) -> bool:
    """Whether a text is an address, scheme://..., and no path."""
    return re.match(r"[a-zA-Z][\w+.-]*://", where) is not None


def s3_trouble(error: Exception) -> str:
    """What boto3 says; where it is about the account, with the variables that name it."""
    from botocore.exceptions import ClientError, NoCredentialsError, PartialCredentialsError

    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return f"no account is given: set {ACCOUNT}"
    code = error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else ""
    return f"{error}; see {ACCOUNT}" if code in OF_THE_ACCOUNT else str(error)


@functools.cache
def s3_client() -> Any:
    """boto3's S3 client, for the account and endpoint of the environment's AWS_* variables."""
    # Imported here: boto3 takes a third of a second, and most installations have no S3.
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        config=Config(retries={"mode": "adaptive", "max_attempts": 5}, max_pool_connections=32),
    )


def read_same(location: str, sha256: str) -> bytes:
    """The bytes at a location, as `read`; OSError if they have changed since the import."""
    content = read(location)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise OSError("its bytes have changed since it was imported")
    return content


def read(location: str) -> bytes:
    """The bytes at a location; a relative path is below DATA_DIR.

    Raises OSError; its subclass ConnectionError if S3 as a whole fails, not this file.
    """
    if not location.startswith("s3://"):
        return (settings.DATA_DIR / location).read_bytes()
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, key = split_s3(location)
    for attempt in range(ATTEMPTS):
        try:
            return s3_client().get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            every_file = error.response.get("Error", {}).get("Code") in FOR_EVERY_FILE
            kind = ConnectionError if every_file else OSError
            raise kind(f"{location}: {s3_trouble(error)}") from error
        except BotoCoreError as error:  # botocore retries requests, but not broken responses
            if attempt == ATTEMPTS - 1:
                raise ConnectionError(f"{location}: {s3_trouble(error)}") from error
    raise AssertionError


def write_s3(bucket: str, key: str, content: bytes) -> str:
    """Write an object and return its s3:// address. Raises OSError if S3 refuses it."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        s3_client().put_object(Bucket=bucket, Key=key, Body=content)
    except (BotoCoreError, ClientError) as error:
        raise OSError(f"s3://{bucket}/{key}: {s3_trouble(error)}") from error
    return f"s3://{bucket}/{key}"
