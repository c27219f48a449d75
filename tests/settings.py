"""The settings of a test run: the project's own, on embedded servers in a directory of its own."""

import os
import tempfile

# Each run has its own servers, so that two runs on one machine never meet. It is removed at the
# end: never somebody's own, whatever the environment says.
OWN = "second-look-test-"
if not os.path.basename(os.environ.get("DATA_DIR", "")).startswith(OWN):
    os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix=OWN)

from annotation.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
