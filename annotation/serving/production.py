"""What a site in production must not start with, found in its environment."""

from collections.abc import Mapping

from environ import Env

DEFAULT_SECRET = "only-for-one-machine-and-never-for-production"


def production_troubles(environment: Mapping[str, str]) -> list[str]:
    """What is missing or unsafe in these variables, if the site shall run with DEBUG=0."""
    env = Env()
    env.ENVIRON = environment
    troubles = []
    if env.str("SECRET_KEY", default=DEFAULT_SECRET) == DEFAULT_SECRET:
        troubles.append("SECRET_KEY is the default one: set a long random text")
    if not env.list("ALLOWED_HOSTS", default=[]):
        troubles.append("ALLOWED_HOSTS is empty: name the hosts that this site answers to")
    embedded = not {"DATABASE_URL", "REDIS_URL"} <= environment.keys()
    if embedded and not env.bool("ALLOW_EMBEDDED", default=False):
        troubles.append(
            "DATABASE_URL and REDIS_URL are not set (ALLOW_EMBEDDED=1 uses embedded ones)"
        )
    return troubles
