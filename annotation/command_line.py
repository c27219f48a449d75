"""Runs a management command: embedded servers around it, one error line, the project's exit codes.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted.
"""

import contextlib
import os
import sys

# Commands of Django that touch neither database nor queue; every other one gets the servers.
WITHOUT_SERVERS = {"help", "version", "collectstatic", "makemessages", "startapp", "spectacular"}

MIGRATION_LOCK = 7_000

# Commands that see to the tables themselves.
MIGRATING = {"migrate", "makemigrations", "showmigrations", "sqlmigrate", "test", "check", "up"}


def migrate_if_needed() -> None:
    """Bring the embedded database's tables up to this version; commands at once take turns.

    A database of one's own is migrated by its administrator alone (`manage.py migrate`).
    """
    import django
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    django.setup()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        try:
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                call_command("migrate", verbosity=0, interactive=False)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])


def needs_servers(argv: list[str]) -> bool:
    """Whether this command line will open the database or the queue."""
    if len(argv) < 2 or argv[1].startswith("-"):
        return False
    return argv[1] not in WITHOUT_SERVERS and not {"-h", "--help"} & set(argv[2:])


def run(argv: list[str]) -> int:
    """Run one command line and return its exit code."""
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.core.management.base import CommandError

    from annotation.embedded import running

    show_traceback = "--traceback" in argv
    try:
        # The servers are started here, not in settings: only a command knows that it needs them.
        servers = (
            running(settings.DATA_DIR)
            if settings.EMBEDDED_SERVERS and needs_servers(argv)
            else contextlib.nullcontext()
        )
        with servers:
            if settings.EMBEDDED_SERVERS and needs_servers(argv) and argv[1] not in MIGRATING:
                migrate_if_needed()
            execute_from_command_line(argv)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    except (CommandError, ImproperlyConfigured, OSError, RuntimeError) as error:
        if show_traceback:
            raise
        print(f"Error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except Exception as error:
        if show_traceback or os.environ.get("DEBUG_COMMANDS"):
            raise
        print(
            f"Error: {type(error).__name__}: {' '.join(str(error).split())}"
            " (run again with --traceback to see where)",
            file=sys.stderr,
        )
        return 1
    return 0
