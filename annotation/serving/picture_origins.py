"""The origins from which pages load pictures besides the site: the bucket's, for their CSP."""

from collections.abc import Mapping
from urllib.parse import urlsplit


def region_of(environ: Mapping[str, str]) -> str:
    """The bucket's region, for which addresses are signed."""
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def picture_origins(environ: Mapping[str, str]) -> list[str]:
    """The origins of imagesets.pictures.bucket.address; none without a bucket."""
    bucket = environ.get("AWS_STORAGE_BUCKET_NAME", "")
    if not bucket:
        return []
    if domain := environ.get("AWS_S3_CUSTOM_DOMAIN"):
        return [f"https://{domain}"]
    if endpoint := environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL"):
        parts = urlsplit(endpoint)
        return [f"{parts.scheme}://{parts.netloc}"]
    region = region_of(environ)
    if "." in bucket:  # a host name with it would not match Amazon's certificate
        return [f"https://s3.{region}.amazonaws.com"]
    hosts = [f"https://{bucket}.s3.{region}.amazonaws.com"]
    return [*hosts, f"https://{bucket}.s3.amazonaws.com"] if region == "us-east-1" else hosts
