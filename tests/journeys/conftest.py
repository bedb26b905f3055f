from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.journeys.installation import Installation, whole_portal
from tests.journeys.visitor import FLAGS, SLOW, Visitor
from tests.support.chromium import chromium

Visit = Callable[..., Visitor]


@pytest.fixture(scope="session")
def usual_portal() -> Iterator[Installation]:
    """The portal of all modules that need nothing special; a start takes twenty seconds of processor time."""
    with whole_portal() as installation:
        yield installation


@pytest.fixture(scope="module")
def one_portal(request: pytest.FixtureRequest) -> Iterator[Installation]:
    """The portal of a module: one with the settings in `PORTAL_SETTINGS`, else the usual one, emptied."""
    settings = getattr(request.module, "PORTAL_SETTINGS", None)
    if settings is None:
        usual: Installation = request.getfixturevalue("usual_portal")
        if usual.used:
            usual.start_anew()
        usual.used = True
        yield usual
    else:
        with whole_portal(**settings) as installation:
            yield installation


@pytest.fixture
def installation(one_portal: Installation) -> Installation:
    """The portal of the module, without faults and without received orders."""
    one_portal.calm()
    return one_portal


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module only: while its loop runs, Django would refuse the database to other tests."""
    expect.set_options(timeout=SLOW)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def visit(installation: Installation, browser: Browser) -> Iterator[Visit]:
    """`visit("ana")` opens the dashboard in a browser of her own, signed in; console errors fail the test."""
    opened: list[Visitor] = []

    def sign_in(username: str, **options: object) -> Visitor:
        visitor = Visitor(browser, installation.address, **options)
        opened.append(visitor)
        visitor.sign_in(username, installation.passwords[username])
        return visitor

    yield sign_in
    for visitor in opened:
        visitor.close()
    assert [line for visitor in opened for line in visitor.complaints] == []
