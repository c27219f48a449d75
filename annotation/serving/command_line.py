"""Runs a management command inside embedded servers, with one-line errors and exit codes.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted.
"""

import contextlib
import sys

# Django's commands that need neither database nor queue; all others get the servers.
WITHOUT_SERVERS = {"help", "version", "collectstatic", "makemessages", "startapp", "spectacular"}

# Commands that must run before the tables are migrated, or migrate them.
MIGRATING = {"migrate", "makemigrations", "showmigrations", "sqlmigrate", "test", "check", "up"}

NOT_THERE = {"42P01", "42703"}  # what Postgres says of a table or column that does not exist


def migrate_if_needed() -> None:
    """Bring the embedded database's tables up to date; concurrent commands take turns.

    Only its administrator migrates a database named by DATABASE_URL (`manage.py migrate`).
    """
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from imagesets.locks import Lock, held

    with held(Lock.MIGRATION, 0):
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", verbosity=0, interactive=False)


def needs_servers(argv: list[str]) -> bool:
    """Whether this command line needs the database or the queue."""
    if len(argv) < 2 or argv[1].startswith("-"):
        return False
    return argv[1] not in WITHOUT_SERVERS and not {"-h", "--help"} & set(argv[2:])


def check_usage(argv: list[str]) -> None:
    """End with the usage (SystemExit 2) if the command does not take these arguments."""
    from django.core.management import ManagementUtility

    parser = ManagementUtility(argv).fetch_command(argv[1]).create_parser(argv[0], argv[1])
    parser.called_from_command_line = True  # else it raises CommandError instead
    parser.parse_args(argv[2:])


def _wrong_with_database(error: Exception) -> str:
    """What is wrong with the database itself, and what to do; "": the error is another's."""
    from django.db import InterfaceError, OperationalError, ProgrammingError

    said = " ".join(str(error).split())
    code = getattr(error.__cause__, "pgcode", None) or ""
    is_lost = isinstance(error, OperationalError) and (not code or code.startswith("57P"))
    if isinstance(error, InterfaceError) or is_lost:
        return f"The database does not answer: {said}"
    if code.startswith("53"):  # no space, memory or connection is left
        return f"The database cannot go on: {said}"
    if isinstance(error, ProgrammingError) and code in NOT_THERE and _wants_migrating():
        return (
            "The database's tables are not those of this version of the site: run"
            " `manage.py migrate` first."
        )
    return ""


def _wants_migrating() -> bool:
    """Whether migrations of this version have not been run. A database that fails has them."""
    from django.db import Error, connection
    from django.db.migrations.executor import MigrationExecutor

    try:
        connection.rollback()
        executor = MigrationExecutor(connection)
        return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except Error:
        return False


def run(argv: list[str]) -> int:
    """Run one command line and return its exit code."""
    import django
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line, get_commands
    from django.core.management.base import CommandError, SystemCheckError

    from annotation.serving.embedded import running
    from annotation.serving.embedded.processes import heed_interrupts

    heed_interrupts()
    show_traceback = "--traceback" in argv
    try:
        # Not started by settings: only the command line tells whether it needs them.
        embedded = settings.EMBEDDED_SERVERS and needs_servers(argv)
        if embedded:
            django.setup()
            embedded = argv[1] in get_commands()  # a slip of the finger starts no servers
            if embedded:
                check_usage(argv)
        with running(settings.DATA_DIR) if embedded else contextlib.nullcontext():
            if embedded and settings.EMBEDDED_DATABASE and argv[1] not in MIGRATING:
                migrate_if_needed()
            # With --traceback Django leaves errors to us instead of printing them its own way.
            traceback = ["--traceback"] if needs_servers(argv) and not show_traceback else []
            execute_from_command_line([*argv[:2], *traceback, *argv[2:]])
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
        if wrong := _wrong_with_database(error):
            print(f"Error: {wrong}", file=sys.stderr)
            return 1
        if isinstance(error, SystemCheckError):
            print(error, file=sys.stderr)
            return 1
        expected = isinstance(error, (CommandError, ImproperlyConfigured, OSError, RuntimeError))
        kind = "" if expected else f"{type(error).__name__}: "
        hint = "" if expected else " (run again with --traceback to see where)"
        print(f"Error: {kind}{' '.join(str(error).split())}{hint}", file=sys.stderr)
        return getattr(error, "returncode", 1)
    return 0
