"""Who owns what in DATA_DIR: nothing in it can be read, or listed, by other users of the machine.

Run by an ordinary user all of it is theirs, behind a folder of mode 0700. Run by root:

- DATA_DIR is root's, of mode 0710 and of a group with a number of its own. Its members are the
  servers' processes, which pass through, and the site's.
- The site's folders belong to the account of that number, as which web and workers run. It needs
  no entry in /etc/passwd.
- All else in DATA_DIR is root's alone.

A DATA_DIR that an ordinary user made stays theirs when root uses it: web and workers run as them.
"""

import contextlib
import grp
import os
import pwd
from pathlib import Path

# What web and workers write. Another first folder would be root's, and closed to them.
SITES = (
    *("aggregation", "demo", "derivatives", "home", "images", "logits"),
    *("trials", "uploads", "weights"),
)
KEY = "secret_key"
POSTGRES = "postgres"  # the cluster, or a link to it, is the servers'
NUMBERS = range(61_184, 65_520)  # as systemd takes for its dynamic users


def close(data_dir: Path) -> None:
    """Take other users' rights away, and settle owners where root runs this. Costs little."""
    if os.getuid() not in (0, data_dir.stat().st_uid):
        return  # another user's: they will
    account = site_account(data_dir)
    data_dir.chmod(0o710 if account else 0o700 if os.getuid() else 0o711)
    for path in data_dir.iterdir():
        if path.name == POSTGRES or path.is_symlink():
            continue
        with contextlib.suppress(PermissionError, FileNotFoundError):
            path.chmod(path.stat().st_mode & 0o700)
    if account is not None:
        with contextlib.suppress(FileNotFoundError):
            os.chown(data_dir / KEY, *account)  # to read; the folder is root's
        for name in SITES:
            _give(data_dir / name, *account)


def site_account(data_dir: Path) -> tuple[int, int] | None:
    """User and group as which web and workers run where root runs `up`; None: as who runs it."""
    if os.getuid() != 0:
        return None
    status = data_dir.stat()
    if status.st_uid:
        return status.st_uid, status.st_gid or pwd.getpwuid(status.st_uid).pw_gid
    number = status.st_gid
    if number not in NUMBERS:
        number = _free_number(data_dir)
        try:
            os.chown(data_dir, -1, number)
        except OSError:  # a container without that number
            return None
    return number, number


def _give(folder: Path, uid: int, gid: int) -> None:
    """Make a folder of the site's, or give it what root left in it, once."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid == uid:
        return
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(os.path.join(place, name), uid, gid, follow_symlinks=False)
    os.chown(folder, uid, gid)  # last: what was cut short is begun again


def _free_number(data_dir: Path) -> int:
    """A number that no user and no group has, not likely another DATA_DIR's."""
    taken = {entry.pw_uid for entry in pwd.getpwall()} | {entry.gr_gid for entry in grp.getgrall()}
    free = [number for number in NUMBERS if number not in taken]
    return free[data_dir.stat().st_ino * 2_654_435_761 % len(free)]
