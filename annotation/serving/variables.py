"""The environment's variables, declared once: what each takes, its default, what it means."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from annotation.serving.mail_server import mail_server
from annotation.serving.server_addresses import database, queue
from annotation.serving.variable_values import (
    LEVELS,
    Reader,
    as_it_stands,
    cdn,
    domains,
    endpoint,
    endpoints,
    flag,
    folder,
    hosts,
    issuer,
    level,
    plain,
    positive,
    private_api,
    site,
    sources,
    unquoted,
    whole,
    words,
)
from imagesets.made_tables import MadeTable


@dataclass(frozen=True)
class Variable:
    """A variable: its reader, the default if it is empty or not given, and what it means.

    `otherwise` says the default in words, where it is more than a value.
    """

    read: Reader
    default: Any
    meaning: str
    otherwise: str = ""


VARIABLES: dict[str, Variable] = {
    # Serving it
    "DEBUG": Variable(
        flag,
        True,
        "0: production, which refuses to start, naming all that is wrong in one line, with a weak"
        " key, with `ALLOWED_HOSTS` empty or containing `*`, without `PUBLIC_URL`, and with"
        " embedded servers unless `ALLOW_EMBEDDED` is 1. Whatever it says, no page shows a"
        " traceback or a setting: they stand in the log",
    ),
    "SECRET_KEY": Variable(
        as_it_stands,
        "",
        "signs cookies and invitations: at least 32 characters, not repeating themselves. With a"
        " database of your own in production you must give one, since several machines may share"
        " it. Keep it: a new one makes new people of your workers",
        "a random one, kept in the file `secret_key` below `DATA_DIR`",
    ),
    "ALLOWED_HOSTS": Variable(
        hosts,
        [],
        "the host names that the site answers to, separated by commas: `look.example.org`, or"
        " `.example.org` for a domain and all below it. The host of `PUBLIC_URL` and this"
        " machine's own names (localhost, 127.0.0.1, [::1]) always count",
        "none",
    ),
    "PUBLIC_URL": Variable(
        site,
        "",
        "where workers reach the site, a host name of its own: `https://look.example.org`. With"
        " https: cookies are sent over https alone, browsers are told to stay there for a year"
        " (HSTS), and visitors who come by http are redirected. With http the site starts with"
        " one line of warning",
        "none: links begin with the address at which `up` serves",
    ),
    "TRUSTED_PROXIES": Variable(
        words,
        [],
        "addresses and networks whose X-Forwarded-For and X-Forwarded-Proto the site believes;"
        " `unix` for a proxy that speaks over a unix socket, where nobody has an address."
        " Everybody else's headers are removed unread. Of a chain, the last address that is no"
        " trusted proxy's is the visitor's",
        "none",
    ),
    "ALLOW_EMBEDDED": Variable(
        flag, False, "1: production may use the embedded Postgres and Valkey"
    ),
    "REQUIRE_MFA": Variable(
        flag, False, "1: everybody who logs in needs a second factor ([logins.md](logins.md))"
    ),
    "EMAIL_URL": Variable(
        mail_server,
        None,
        "a mail server, over which people who lost their password get a link for a new one:"
        " `smtp+tls://USER:PASSWORD@HOST:587?from=look@example.org` (TLS by STARTTLS), `smtps://...`"
        " (TLS from the start) or `smtp://...` (none); percent-encoded like `DATABASE_URL`."
        " `from` is the sender's address: else the user's, or `second-look` at the site's host",
        "none: an owner makes the link ([logins.md](logins.md))",
    ),
    "OIDC_ISSUER": Variable(
        issuer,
        "",
        "a provider of single sign-on by OpenID Connect, by the address below which its"
        " `.well-known/openid-configuration` stands ([logins.md](logins.md))",
        "none: people log in with passwords",
    ),
    "OIDC_CLIENT_ID": Variable(plain, "", "what that provider calls this site", "none"),
    "OIDC_CLIENT_SECRET": Variable(plain, "", "the secret that it gave this site", "none"),
    "OIDC_NAME": Variable(
        plain, "single sign-on", "what people call that provider: the button says `Log in with ...`"
    ),
    "OIDC_DOMAINS": Variable(
        domains,
        [],
        "domains of mail addresses, separated by commas: whoever the provider says has a verified"
        " address of one gets an account without a role when they first come. `*`: everybody whom"
        " the provider knows",
        "none: accounts are made by owners' links alone",
    ),
    "VISITORS_AT_ONCE": Variable(
        whole(0),
        60,
        "visitors without an invitation from one network who may have work open"
        " ([inviting.md](inviting.md))",
    ),
    "NEW_VISITORS_PER_HOUR": Variable(
        whole(0), 60, "such visitors of one network who may begin within an hour"
    ),
    "WEB_CONCURRENCY": Variable(whole(1, 1000), 2, "processes of the web server"),
    "WEB_THREADS": Variable(whole(1, 1000), 8, "threads in each of them"),
    "LOG_LEVEL": Variable(level, "WARNING", f"the least that is logged: {', '.join(LEVELS)}"),
    # Where it keeps things
    "DATA_DIR": Variable(
        folder,
        None,
        "the site's files: copies of images, workers' pictures, logits, logs, its key and an"
        " embedded database",
        "`var/` of the project",
    ),
    "DATABASE_URL": Variable(
        database,
        None,
        "a Postgres of your own: `postgres://USER:PASSWORD@HOST:5432/NAME`, with libpq's options"
        " after a `?` (`sslmode=require`; `host=/run/postgresql` for a unix socket). Characters"
        " that mean something in an address are written percent-encoded: `@` as `%40`, `/` as"
        " `%2F`, `#` as `%23`, `%` as `%25`",
        "an embedded Postgres",
    ),
    "REDIS_URL": Variable(
        queue,
        "",
        "a Redis or Valkey of your own: `redis://:PASSWORD@HOST:6379/0`, `rediss://...` with TLS,"
        " or `unix:///PATH?db=0`; percent-encoded likewise",
        "an embedded Valkey",
    ),
    "AWS_STORAGE_BUCKET_NAME": Variable(
        plain,
        "",
        "a bucket for copies of images and workers' pictures ([datasets.md](datasets.md))",
        "none: they are below `DATA_DIR`",
    ),
    "AWS_S3_CUSTOM_DOMAIN": Variable(
        cdn,
        "",
        "a host that serves the bucket to everybody (a CDN)",
        "none: browsers get signed addresses",
    ),
    "AWS_ACCESS_KEY_ID": Variable(
        plain, "", "the account for S3 and MTurk", "as for any AWS client"
    ),
    "AWS_SECRET_ACCESS_KEY": Variable(plain, "", "its secret key", "as for any AWS client"),
    "AWS_SESSION_TOKEN": Variable(plain, "", "with a temporary key: its token", "none"),
    "AWS_REGION": Variable(plain, "", "the bucket's region", "`AWS_DEFAULT_REGION`"),
    "AWS_DEFAULT_REGION": Variable(
        plain, "", "the bucket's region, where `AWS_REGION` does not say", "`us-east-1`"
    ),
    "AWS_ENDPOINT_URL": Variable(
        endpoint, "", "another service that speaks S3's API (MinIO, Ceph)", "Amazon's"
    ),
    "AWS_ENDPOINT_URL_S3": Variable(
        endpoint, "", "the same, for S3 alone; it goes before `AWS_ENDPOINT_URL`", "not set"
    ),
    # Classifiers
    "KEEP_LOGITS": Variable(
        flag,
        True,
        "0: logits are not kept; else below `DATA_DIR`, up to 2 GB a classifier"
        " ([classifiers.md](classifiers.md))",
    ),
    "LOGITS_IN_BUCKET": Variable(
        flag, False, "1: logits go to `AWS_STORAGE_BUCKET_NAME`, if that is set"
    ),
    "INFERENCE_MINUTES": Variable(
        positive, 10, "minutes without an answer after which a network's process is ended"
    ),
    # The marketplace
    "MTURK_ENDPOINT_URL": Variable(
        endpoint,
        "",
        "an endpoint that speaks MTurk's API ([mturk.md](mturk.md))",
        "Amazon's sandbox; production where the campaign says so",
    ),
    "MTURK_SUBMIT_ORIGINS": Variable(
        endpoints,
        None,
        "where a worker's page may hand in an answer, separated by commas",
        "Amazon's two, and the endpoint's",
    ),
    "MTURK_CALLS_PER_SECOND": Variable(
        positive, None, "the most calls a second", "20; no limit on this machine"
    ),
    "PROLIFIC_API_URL": Variable(
        private_api,
        "https://api.prolific.com",
        "where Prolific's API is, with or without its `/api/v1` ([crowds.md](crowds.md))",
    ),
    "PROLIFIC_API_TOKEN": Variable(
        plain, "", "the token by which this site uses Prolific's API", "none: no Prolific"
    ),
    "WORKER_FRAME_ANCESTORS": Variable(
        sources,
        None,
        "sites that may show a worker's page in a frame (the CSP's frame-ancestors), separated by"
        " commas",
        "the site itself, https://worker.mturk.com and `MTURK_SUBMIT_ORIGINS`",
    ),
    # The schedule
    "SYNC_MINUTES": Variable(whole(1, 1440), 3, "minutes between two syncs of the campaigns"),
    "NIGHTLY_HOUR": Variable(whole(0, 23), 3, "the hour, in UTC, of the nightly aggregation"),
}


class Environment:
    """Reads declared variables; one that is empty is not given."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given

    def text(self, name: str) -> str:
        """What is given, "" if nothing is."""
        text = self._given.get(name, "")
        return text if VARIABLES[name].read is as_it_stands else unquoted(text)

    def for_boto3(self) -> dict[str, str]:
        """What boto3 is to read: the given AWS_* variables, without spaces and quotes around them.

        Raises ImproperlyConfigured.
        """
        return {name: self[name] for name in VARIABLES if name.startswith("AWS_") and name in self}

    def __contains__(self, name: str) -> bool:
        return bool(self.text(name))

    def __getitem__(self, name: str) -> Any:
        """Its value. Raises ImproperlyConfigured with one line that begins with the name."""
        if not (text := self.text(name)):
            return VARIABLES[name].default
        try:
            return VARIABLES[name].read(text)
        except ValueError as error:
            raise ImproperlyConfigured(f"{name} {error}.") from None


def _rows() -> Iterator[tuple[str, str, str]]:
    yield "variable", "default", "meaning"
    for name, variable in VARIABLES.items():
        yield f"`{name}`", _default_in_words(variable), variable.meaning


def _default_in_words(variable: Variable) -> str:
    if variable.otherwise:
        return variable.otherwise
    default = variable.default
    return f"`{int(default) if isinstance(default, bool) else default}`"


TABLE = MadeTable("docs/settings.md", "annotation/serving/variables.py", _rows)
