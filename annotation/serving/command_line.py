"""Runs a management command: embedded servers around it, one error line, the project's exit codes.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted.
"""

import contextlib
import sys

# Commands of Django that touch neither database nor queue; every other one gets the servers.
WITHOUT_SERVERS = {"help", "version", "collectstatic", "makemessages", "startapp", "spectacular"}

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

    from imagesets.locks import Lock, held

    django.setup()
    with held(Lock.MIGRATION, 0):
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", verbosity=0, interactive=False)


def needs_servers(argv: list[str]) -> bool:
    """Whether this command line will open the database or the queue."""
    if len(argv) < 2 or argv[1].startswith("-"):
        return False
    return argv[1] not in WITHOUT_SERVERS and not {"-h", "--help"} & set(argv[2:])


def _is_lost_database(error: Exception) -> bool:
    """Whether there is no connection (any more): what Postgres answers has a code."""
    from django.db import InterfaceError, OperationalError

    if isinstance(error, InterfaceError):
        return True
    code = getattr(error.__cause__, "pgcode", None)
    return isinstance(error, OperationalError) and (code is None or code.startswith("57P"))


def run(argv: list[str]) -> int:
    """Run one command line and return its exit code."""
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line, get_commands
    from django.core.management.base import CommandError, SystemCheckError

    from annotation.serving.embedded import running

    show_traceback = "--traceback" in argv
    try:
        # The servers are started here, not in settings: only a command knows that it needs them.
        embedded = settings.EMBEDDED_SERVERS and needs_servers(argv)
        with running(settings.DATA_DIR) if embedded else contextlib.nullcontext():
            if embedded and settings.EMBEDDED_DATABASE and argv[1] not in MIGRATING:
                migrate_if_needed()
            # Django would print an error in its own way; with --traceback it leaves that to us.
            asked = ["--traceback"] if needs_servers(argv) and not show_traceback else []
            execute_from_command_line([*argv[:2], *asked, *argv[2:]])
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except SystemExit as stop:
        if len(argv) > 1 and argv[1] not in {"help", *get_commands()} and argv[1][:1] != "-":
            return 2
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    except Exception as error:
        if show_traceback:
            raise
        if _is_lost_database(error):
            why = " ".join(str(error).split())
            print(f"Error: The database does not answer: {why}", file=sys.stderr)
            return 1
        if isinstance(error, SystemCheckError):
            print(error, file=sys.stderr)
            return 1
        expected = isinstance(error, (CommandError, ImproperlyConfigured, OSError, RuntimeError))
        what = "" if expected else f"{type(error).__name__}: "
        how = "" if expected else " (run again with --traceback to see where)"
        print(f"Error: {what}{' '.join(str(error).split())}{how}", file=sys.stderr)
        return getattr(error, "returncode", 1)
    return 0
