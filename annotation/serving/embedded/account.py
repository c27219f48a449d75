"""The account that runs the servers, and what it can reach.

Postgres refuses to run as root. For root, a system account that owns nothing of value runs it, and
no folder is opened up for that account.
"""

import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import EmbeddedError
from .ownership import site_account

CANDIDATES = ("postgres", "nobody", "daemon")


@dataclass(frozen=True)
class Account:
    """The account that runs the servers; `other`: it is not the one that runs the command."""

    name: str
    uid: int
    gid: int
    other: bool

    def popen_arguments(self) -> dict[str, Any]:
        if not self.other:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can(self, test: Callable[[], bool]) -> bool:
        """Whether `test` holds for this account, tried in a child process that runs as it."""
        if not self.other:
            return test()
        child = os.fork()
        if child == 0:
            try:
                os.setgroups([])
                os.setgid(self.gid)
                os.setuid(self.uid)
                os._exit(0 if test() else 1)
            except BaseException:
                os._exit(1)
        return os.waitpid(child, 0)[1] == 0


def servers_account(cluster: Path) -> Account:
    """Our own account; for root, the owner of the cluster if it exists, or a system account.

    For root in the group of DATA_DIR (see ownership), which leads to the servers' sockets.
    """
    if os.getuid() != 0:
        try:
            return Account(pwd.getpwuid(os.getuid()).pw_name, os.getuid(), os.getgid(), False)
        except KeyError:
            raise EmbeddedError(
                f"uid {os.getuid()} has no entry in /etc/passwd, which Postgres needs: "
                "add one, or set DATABASE_URL and REDIS_URL"
            ) from None
    if cluster.exists() and (owner := cluster.stat().st_uid) != 0:
        try:
            entry = pwd.getpwuid(owner)
        except KeyError:
            raise EmbeddedError(
                f"{cluster} belongs to uid {owner}, which has no entry in /etc/passwd"
            ) from None
        return Account(entry.pw_name, entry.pw_uid, _group(cluster, entry), True)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, _group(cluster, entry), True)
    raise EmbeddedError(
        "Postgres does not run as root and there is no account to run it under "
        f"({', '.join(CANDIDATES)}): run this as another user, or set DATABASE_URL and REDIS_URL"
    )


def _group(cluster: Path, entry: pwd.struct_passwd) -> int:
    account = site_account(cluster.parent)
    return entry.pw_gid if account is None else account[1]
