"""A study of sessions at the stand-in for Prolific, with faults: CONTAINS, then CLASSIFY.

Simulated participants do it through the real pages of a real web server: some refresh, return, go
away, come late, send twice, steal sessions, come back with wrong codes or none. At the end every
HIT must have R used answers of distinct people, both ledgers agree to the cent within the budget,
and nothing is left to review. The last line gives what is wrong and how many sessions there were.
"""

import argparse
import os
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

# In place of this folder, whose coverage.py hides the package of its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=300, help="of both campaigns (300)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--partial", choices=["pay", "discard"], default="pay")
    options = parser.parse_args()
    os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="second-look-sessions-"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "annotation.settings"
    wrong, sessions = play(options)
    for text in wrong:
        print(f"WRONG: {text}")
    print(f"{len(wrong)} things are wrong after {sessions} sessions")
    sys.exit(1 if wrong else 0)


def play(options: argparse.Namespace) -> tuple[list[str], int]:
    """Both campaigns, one after the other: all that is wrong, and how many sessions they had."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from annotation.serving.embedded import running
    from annotation.serving.web import web_server
    from benchmarks.chaos import make_dataset
    from tasks.results import aggregate
    from tasks.simulation.rehearsal.faults import Faults
    from tasks.simulation.rehearsal.prolific.audit import audit_sessions
    from tasks.simulation.rehearsal.prolific.stage import play_sessions, prolific_stage

    faults = Faults(
        throttled=0.02, failed=0.02, lost=0.01, dropped=0.03, unclear=0.02, page=0.01, slow=0.02
    )
    wrong: list[str] = []
    sessions = 0
    with running(settings.DATA_DIR):
        call_command("migrate", verbosity=0)
        # About one session for an image, over both campaigns.
        dataset = make_dataset(settings.DATA_DIR / "pictures", max(options.sessions, 12))
        contains = None
        for kind in ("contains", "classify"):
            with (
                prolific_stage(faults, options.seed, currency="GBP") as on,
                web_server(environment=on.environment) as address,
                on.site(address),
            ):
                campaign = make_campaign(dataset, kind, contains, options.partial)
                began = time.monotonic()
                crew = on.crew(max(options.sessions // 4, 12), options.seed, pictures=False)
                play_sessions(on, campaign, crew, options.seed)
                on.server.trouble.faults = Faults()
                wrong += [f"{kind}: {text}" for text in audit_sessions(campaign, on.market)]
                number = campaign.sessions.count()
                sessions += number
                happened = ", ".join(f"{what} {n}" for what, n in sorted(crew.happened.items()))
                spent = sum((p.amount for p in campaign.payments.all()), Decimal(0))
                print(
                    f"{kind}: {number} sessions, {campaign.hits.count()} HITs, {spent} of"
                    f" {campaign.budget} {campaign.in_currency} spent,"
                    f" {time.monotonic() - began:.0f} s; {happened}"
                )
                if kind == "contains":
                    aggregate(campaign)
                    contains = campaign
    return wrong, sessions


def make_campaign(dataset, kind: str, source, partial: str):
    """A draft; the follow-up asks about every image."""
    from tasks.models import Campaign

    return Campaign.objects.create(
        slug=f"sessions-{kind}",
        name=f"Sessions, {kind}",
        dataset=dataset,
        kind=kind,
        source=source,
        follow_up="all" if source is not None else None,
        crowd="prolific",
        budget=Decimal(5000),
        workers_per_item=9,
        round_size=3,
        grid_size=6,
        max_sections=2,
        session_minutes=3,
        max_share_per_worker=Decimal("0.2"),
        prolific={"partial": partial},
    )


if __name__ == "__main__":
    main()
