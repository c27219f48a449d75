"""A bucket for tests."""

import pytest

from imagesets import bucket_pictures
from imagesets.locations import s3_client


@pytest.fixture
def bucket(monkeypatch):
    """The name of a bucket on moto's S3 server, real HTTP between."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    bucket_pictures.forget()
    s3_client().create_bucket(Bucket="pictures")
    yield "pictures"
    bucket_pictures.forget()
    server.stop()
