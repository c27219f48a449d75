"""The settings of a test run: the project's own, on embedded servers in a directory of its own."""

import atexit
import os
import shutil
import sys
import tempfile

# Else each of the many processes would compile the project anew, and pytest all the tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Each process of the suite computes with one thread, as do those that its tests start: threads that
# wait for each other by spinning, three processes on two cores, took half of torch's time.
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

# Each process of the suite has its own servers, which the processes that a test starts inherit.
# They are removed at the end, so DATA_DIR of the environment is used only if a run of ours made it.
OWN = f"second-look-test-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}-"
if not os.path.basename(os.environ.get("DATA_DIR", "")).startswith(OWN):
    os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix=OWN)
    atexit.register(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)

from annotation.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
