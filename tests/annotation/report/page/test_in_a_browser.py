"""The report in a real browser: both of its forms, light and dark, on a desk and on a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from annotation.report.campaigns import study_of
from annotation.report.charts import charts_of
from annotation.report.document import report_of, text_of
from annotation.report.kept import keep
from annotation.report.page.making import alone, for_readers
from tests.factories import make_dataset
from tests.studies.answered_studies import make_answered_study

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOOKS = (("desk", 1280, "light"), ("phone", 390, "dark"))


def test_both_forms_are_readable_and_complain_of_nothing(live_server, browser, tmp_path):
    dataset = make_dataset(9, 4, folder=tmp_path)
    make_answered_study(dataset)
    campaigns = study_of(dataset)
    report = report_of(dataset, *campaigns)
    keep(text_of(report), campaigns)
    file = tmp_path / "index.html"
    charts = charts_of(for_readers(report, dataset))
    file.write_bytes(alone(report, dataset, *campaigns, charts))
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root", "r@example.org", "x"))
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    for address in (file.as_uri(), f"{live_server.url}/datasets/small/report/"):
        for size, width, scheme in LOOKS:
            context = browser.new_context(
                viewport={"width": width, "height": 800},
                color_scheme=scheme,
                has_touch=size == "phone",
                is_mobile=size == "phone",
            )
            context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
            )
            page = context.new_page()
            complaints = []
            page.on("console", lambda message, said=complaints: said.append(message.text))
            page.on("pageerror", lambda error, said=complaints: said.append(str(error)))
            page.goto(address, wait_until="networkidle")
            page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
            if (address.startswith("file:"), size) in ((True, "desk"), (False, "phone")):
                # Both forms have the same `.report`: each look is checked in one of them.
                results = Axe().run(page, context=".report")
                assert results.violations_count == 0, results.generate_report()
            assert complaints == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            drawn = page.locator(".report figure img").filter(visible=True).first
            drawn.scroll_into_view_if_needed()
            page.wait_for_function(
                "e => e.complete && e.naturalWidth > 100", arg=drawn.element_handle()
            )
            context.close()
