"""Finds the image that a table means where it writes the path otherwise than the image's key."""

import difflib
import functools
import itertools
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from urllib.parse import unquote

from imagesets.tables.problems import FIRST

LOOKED_AT = 20_000  # keys, for the nearest one
RULE = "an image's key is its path below the images' folder, with slashes and extension"

SEVERAL = ""  # no image has an empty key
_ENDING = re.compile(r"\.[a-z]{3,5}$", re.IGNORECASE)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://[^/]*/", re.IGNORECASE)
_SAME_ENDINGS = {"jpeg": "jpg", "jpe": "jpg", "tif": "tiff"}


class NoImage(ValueError):
    """No image, or more than one, fits a path; the message says so and names the nearest key."""


class ImagePaths:
    """The keys of a dataset's images, and what else a table may write for them.

    A path that is no key means an image if it fits that one alone: with backslashes or `./`, with
    folders or an address before the key or without the key's own folders, in another case, without
    the extension. Two paths that differ otherwise than by slashes and `./` never mean one image.
    """

    def __init__(self, keys: Collection[str]) -> None:
        self.keys = keys  # a set or a dict
        self.taken_for: dict[str, str] = {}  # path -> key, of paths that are no keys
        self._path_of: dict[str, str] = {}  # key -> the path that means it, tidied
        self._missed = 0

    def key(self, path: str) -> str:
        """The key of the image that a path means. Raises NoImage."""
        if path in self.taken_for:
            return self.taken_for[path]
        if path in self.keys:
            tidied = key = path
        else:
            tidied = _tidied(path)
            key = tidied if tidied in self.keys else self._fitting(path, tidied)
        first = self._path_of.setdefault(key, tidied)
        if first != tidied:
            raise NoImage(f"{path!r} and {first!r} would both be image {key!r} ({RULE})")
        if key != path:
            self.taken_for[path] = key
        return key

    def note(self) -> str:
        """How many paths were taken for which keys, as a clause; "" if none was."""
        if not self.taken_for:
            return ""
        count = len(self.taken_for)
        path, key = next(iter(self.taken_for.items()))
        were = "paths that are no keys were" if count > 1 else "path that is no key was"
        return f"{count:,} {were} taken for the only images that fit ({path!r} for {key!r})"

    def _fitting(self, path: str, tidied: str) -> str:
        """The one key that fits. Raises NoImage."""
        for keys, wanted in self._readings(tidied):
            key = keys.fitting(wanted)
            if key == SEVERAL:
                raise NoImage(f"{path!r} fits several images ({RULE})")
            if key is not None:
                return key
        raise NoImage(f"unknown image {path!r} ({self._nearest(tidied)}{RULE})")

    def _readings(self, tidied: str) -> Iterator[tuple["_Ends", str]]:
        """The keys as they stand, in any case, and without extension; and the path for each."""
        yield self._as_they_stand, tidied
        yield self._in_any_case, _folded(tidied)
        if not _ENDING.search(tidied):
            yield self._without_extension, _folded(tidied)

    @functools.cached_property
    def _as_they_stand(self) -> "_Ends":
        return _Ends(self.keys, str)

    @functools.cached_property
    def _in_any_case(self) -> "_Ends":
        return _Ends(self.keys, _folded)

    @functools.cached_property
    def _without_extension(self) -> "_Ends":
        return _Ends(self.keys, lambda key: _ENDING.sub("", _folded(key)))

    def _nearest(self, path: str) -> str:
        """A clause that names the nearest key, for the first few paths: it takes time."""
        self._missed += 1
        if self._missed > FIRST:
            return ""
        some = list(itertools.islice(self.keys, LOOKED_AT))
        name = path.rpartition("/")[2]
        near = [key for key in some if key.rpartition("/")[2] == name][:1]
        near = near or difflib.get_close_matches(path, some, 1, 0.5)
        return f"the nearest is {near[0]!r}; " if near else ""


class _Ends:
    """Keys by their text, and by each end of it after a slash; SEVERAL where more have the same."""

    def __init__(self, keys: Collection[str], text: Callable[[str], str]) -> None:
        self.whole: dict[str, str] = {}
        self.tails: dict[str, str] = {}
        for key in keys:
            end = text(key)
            self.whole[end] = SEVERAL if end in self.whole else key
            while "/" in end:
                end = end.partition("/")[2]
                self.tails[end] = SEVERAL if end in self.tails else key

    def fitting(self, path: str) -> str | None:
        """The key that shares the longest end with a path, if all of one is in it."""
        end = path
        while True:
            if end in self.whole:
                return self.whole[end]
            if end in self.tails:
                return self.tails[end] if end == path else SEVERAL
            if "/" not in end:
                return None
            end = end.partition("/")[2]


def _tidied(path: str) -> str:
    """A path with slashes, without `.` and empty parts; of an address, what follows the host."""
    if match := _ADDRESS.match(path):
        path = unquote(path[match.end() :].split("?")[0].split("#")[0])
    parts = path.replace("\\", "/").strip().split("/")
    return "/".join(part for part in parts if part not in ("", "."))


def _folded(path: str) -> str:
    """A path without what file systems tell apart and people do not."""
    path = unicodedata.normalize("NFC", path).casefold().strip()
    stem, dot, ending = path.rpartition(".")
    return f"{stem}.{_SAME_ENDINGS.get(ending, ending)}" if dot else path
