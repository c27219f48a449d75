"""An embedded Postgres and Valkey, started by the first command that needs them."""

from .lease import EmbeddedError, Lease, remove_database, running
from .paths import database_url, redis_url
from .programs import Programs, binaries

__all__ = [
    "EmbeddedError",
    "Lease",
    "Programs",
    "binaries",
    "database_url",
    "redis_url",
    "remove_database",
    "running",
]
