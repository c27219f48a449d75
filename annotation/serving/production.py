"""What a site in production must not start with, found in its environment."""

import secrets
import shlex
import socket
import zlib
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from annotation.serving.variables import Environment

# Until this version the key of every site to which none was given.
PUBLISHED_SECRET = "only-for-one-machine-and-never-for-production"
SHORTEST_SECRET = 32  # characters
LEAST_VARIED = 32  # bytes of the compressed key: repeated words and digits have fewer


def production_troubles(environment: Mapping[str, str]) -> list[str]:
    """What is missing or unsafe in these variables, if the site shall run with DEBUG=0."""
    env = Environment(environment)
    troubles = []

    def read(name: str) -> Any:
        try:
            return env[name]
        except ImproperlyConfigured as error:
            troubles.append(str(error).rstrip("."))
            return None

    if trouble := _secret_trouble(env):
        troubles.append(f"SECRET_KEY {trouble}: set a long random text (openssl rand -hex 32)")
    hosts = read("ALLOWED_HOSTS")
    if hosts is not None and (not hosts or "*" in hosts):
        how = "contains *" if hosts else "is empty"
        troubles.append(f"ALLOWED_HOSTS {how}: name the hosts that this site answers to")
    if read("PUBLIC_URL") == "":
        troubles.append(
            "PUBLIC_URL is not set: give the address where workers reach this site, with https://"
        )
    if is_embedded(environment) and read("ALLOW_EMBEDDED") is False:
        troubles.append(
            "DATABASE_URL and REDIS_URL are not set (ALLOW_EMBEDDED=1 uses embedded ones)"
        )
    return troubles


def is_embedded(environment: Mapping[str, str]) -> bool:
    """Whether the site starts a database or a queue of its own."""
    env = Environment(environment)
    return "DATABASE_URL" not in env or "REDIS_URL" not in env


def unencrypted(environment: Mapping[str, str]) -> str | None:
    """The warning for a site in production whose PUBLIC_URL is plain http."""
    env = Environment(environment)
    address = env["PUBLIC_URL"]
    if env["DEBUG"] or not address.startswith("http://"):
        return None
    return (
        f"PUBLIC_URL is {address}: passwords and answers cross the network unencrypted. Serve"
        " https wherever others than your lab can listen."
    )


def is_loopback(host: str) -> bool:
    """Whether a name or address leads to this machine alone. An unknown name does not."""
    try:
        places = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return all(ip_address(place[4][0]).is_loopback for place in places)


def production_line(
    host: str, port: int, environment: Mapping[str, str], command: Sequence[str]
) -> str:
    """What to type instead of `command`, so that the site may be served to other machines."""
    name = _own_address() if host in ("0.0.0.0", "::") else host
    name = f"[{name}]" if ":" in name else name
    troubles = production_troubles(environment)
    variables = {"DEBUG": "0"}
    for variable, value in {
        "SECRET_KEY": secrets.token_hex(32) if "DATABASE_URL" in Environment(environment) else "",
        "ALLOWED_HOSTS": name,
        "PUBLIC_URL": f"http://{name}:{port}",
    }.items():
        if any(trouble.startswith(variable) for trouble in troubles):
            variables[variable] = value
    if is_embedded(environment):
        variables["ALLOW_EMBEDDED"] = "1"
    words = [f"{variable}={shlex.quote(value)}" for variable, value in variables.items()]
    return " ".join([*words, shlex.join(command)])


def _own_address() -> str:
    """The address by which this machine reaches others, and they it; else its own name."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        try:
            connection.connect(("192.0.2.1", 9))  # sends nothing
            return str(connection.getsockname()[0])
        except OSError:
            return socket.gethostname()


def _secret_trouble(env: Environment) -> str | None:
    key = env["SECRET_KEY"]
    if key == PUBLISHED_SECRET:
        return "is the default one, which everybody knows"
    if not key:  # the key in DATA_DIR is good, but one machine's
        several = "DATABASE_URL" in env
        return "is not set, and the site's processes must share one" if several else None
    if len(key) < SHORTEST_SECRET:
        return f"is short ({len(key)} characters)"
    if len(zlib.compress(key.encode(), 9)) < LEAST_VARIED:
        return "repeats itself and can be guessed"
    return None
