"""A study of sessions at the stand-in for Prolific or a panel: CONTAINS, then CLASSIFY.

Simulated people do it through the real pages of a real web server: some refresh, return, go away,
come late, send twice, steal sessions, come back with wrong codes or none; Prolific's API has
faults. With `--practice` some fail it and are screened out. At the end every HIT must have R used
answers of distinct people, both ledgers agree to the cent within the budget, nothing that the site
thanked for is lost, and nothing is left to review or to pay. The last line gives what is wrong and
how many sessions there were.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

# In place of this folder, whose coverage.py hides the package of its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crowd", choices=["prolific", "panel"], default="prolific")
    parser.add_argument("--sessions", type=int, default=300, help="of both campaigns (300)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--practice", action="store_true", help="before CONTAINS; some fail it")
    parser.add_argument(
        "--screen-out",
        choices=["fixed", "bonus"],
        default="bonus",
        help="how Prolific pays them: by fixed pay, or a return and a bonus (bonus)",
    )
    parser.add_argument(
        "--partial", choices=["pay", "discard"], default="pay", help="Prolific: finished parts"
    )
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
    from benchmarks.studies.plain import make_dataset
    from tasks.results import aggregate

    on_crowd = on_a_panel if options.crowd == "panel" else on_prolific
    wrong: list[str] = []
    sessions, contains = 0, None
    with running(settings.DATA_DIR):
        call_command("migrate", verbosity=0)
        # About one session for an image, over both campaigns.
        dataset = make_dataset(settings.DATA_DIR / "pictures", max(options.sessions, 12))
        for kind in ("contains", "classify"):
            campaign = make_campaign(dataset, kind, contains, options)
            began = time.monotonic()
            happened, found = on_crowd(campaign, options)
            wrong += [f"{kind}: {text}" for text in found]
            sessions += campaign.sessions.count()
            tell(campaign, happened, time.monotonic() - began)
            if kind == "contains":
                aggregate(campaign)
                contains = campaign
    return wrong, sessions


def make_campaign(dataset, kind: str, source, options: argparse.Namespace):
    """A draft; the follow-up asks about every image."""
    from benchmarks.studies.plain import PRACTICE, asked
    from tasks.models import Campaign

    settings: dict[str, object] = {"source": source, "follow_up": "all"}
    if kind == "contains":
        practice = PRACTICE if options.practice else None
        settings = {"images": asked(dataset), "practice": practice}
    return Campaign.objects.create(
        slug=f"sessions-{kind}",
        name=f"Sessions, {kind}",
        dataset=dataset,
        kind=kind,
        crowd=options.crowd,
        budget=Decimal(5000),
        workers_per_item=9,
        round_size=3,
        grid_size=6,
        max_sections=2,
        session_minutes=3,
        max_share_per_worker=Decimal("0.2"),
        prolific={"partial": options.partial} if options.crowd == "prolific" else None,
        **settings,
    )


def on_prolific(campaign, options: argparse.Namespace) -> tuple[Counter[str], list[str]]:
    """Play it at the stand-in for Prolific: what people did, and what is wrong."""
    from annotation.serving.web import web_server
    from tasks.simulation.rehearsal.checks import lost_answers
    from tasks.simulation.rehearsal.faults import Faults
    from tasks.simulation.rehearsal.prolific.audit import audit_sessions
    from tasks.simulation.rehearsal.prolific.market import Features
    from tasks.simulation.rehearsal.prolific.stage import play_sessions, prolific_stage

    faults = Faults(
        throttled=0.02, failed=0.02, lost=0.01, dropped=0.03, unclear=0.02, page=0.01, slow=0.02
    )
    features = Features(fixed_screen_out=options.screen_out == "fixed")
    people = max(options.sessions // 4, 12)
    with (
        prolific_stage(faults, options.seed, currency="GBP", features=features) as on,
        web_server(environment=on.environment) as address,
        on.site(address),
    ):
        careless = people // 5 if options.practice else 1
        crew = on.crew(people, options.seed, careless=careless, pictures=False)
        play_sessions(on, campaign, crew, options.seed)
        on.server.trouble.faults = Faults()
        return crew.happened, [*audit_sessions(campaign, on.market), *lost_answers(crew.thanked)]


def on_a_panel(campaign, options: argparse.Namespace) -> tuple[Counter[str], list[str]]:
    """Play it at the stand-in for a panel, and pay by the table: what people did, what is wrong."""
    from django.conf import settings

    from annotation.serving.web import web_server
    from benchmarks.studies.sides import table_of_payments
    from tasks.campaigns.publish import publish
    from tasks.simulation.rehearsal.checks import lost_answers
    from tasks.simulation.rehearsal.panel import panel_serving
    from tasks.simulation.rehearsal.panel_audit import audit_panel, pay_by_table
    from tasks.simulation.rehearsal.panel_people import crew_for, send_to

    with panel_serving() as panel, web_server(environment={}) as address:
        settings.PUBLIC_URL = address
        send_to(panel, campaign, address)
        publish(campaign, "the benchmark")
        careless = 3 if options.practice else 1
        crew = crew_for(panel, campaign, address, options.seed, careless=careless, pictures=False)
        crew.work()
        rows = pay_by_table(campaign, panel, lambda: table_of_payments(campaign))
        found = [*audit_panel(campaign, panel, rows), *lost_answers(crew.thanked)]
        return crew.happened, found


def tell(campaign, happened: Counter[str], seconds: float) -> None:
    """A line about a campaign that has ended."""
    spent = sum((p.amount for p in campaign.payments.all()), Decimal(0))
    outcomes = Counter(campaign.sessions.values_list("outcome", flat=True))
    ends, did = (", ".join(f"{name} {n}" for name, n in sorted(c.items()) if n)
                 for c in (outcomes, happened))  # fmt: skip
    print(
        f"{campaign.kind}: {campaign.sessions.count()} sessions ({ends}), {campaign.hits.count()}"
        f" HITs, {spent} of {campaign.budget} {campaign.in_currency} spent, {seconds:.0f} s; {did}"
    )


if __name__ == "__main__":
    main()
