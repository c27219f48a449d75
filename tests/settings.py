"""The settings of a test run: the project's own, on embedded servers in a directory of its own."""

import os
import tempfile

# Each run has its own servers, so that two runs on one machine never meet.
os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="second-look-test-"))

from annotation.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
