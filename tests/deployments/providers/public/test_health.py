"""What a good answer is."""

from __future__ import annotations

import pytest

from deployments.providers.public.health import WRONG_CONTENT, HealthRule

READY = b'{"status": "ok", "database": {"ready": true, "lag": null}}'


@pytest.mark.parametrize(
    ("rule", "status", "body", "fault"),
    [
        (HealthRule(), 200, b"", None),
        (HealthRule(), 404, b"", None),
        (HealthRule(), 499, b"", None),
        (HealthRule(), 500, b"", 500),
        (HealthRule(status=200), 404, b"", 404),
        (HealthRule(status=200), 301, b"", 301),
        (HealthRule(status=503), 503, b"", None),
        (HealthRule(status=503), 200, b"", 200),
        (HealthRule(text="All good"), 200, b"<p>All good</p>", None),
        (HealthRule(text="All good"), 200, b"<p>Maintenance</p>", WRONG_CONTENT),
        (HealthRule(text="All good"), 500, b"All good", 500),
        (HealthRule(text="“é”"), 200, "“é”".encode(), None),
        (HealthRule(field="database.ready"), 200, READY, None),
        (HealthRule(field="database.ready=true"), 200, READY, None),
        (HealthRule(field="database.ready=false"), 200, READY, WRONG_CONTENT),
        (HealthRule(field="status=ok"), 200, READY, None),
        (HealthRule(field="status=down"), 200, READY, WRONG_CONTENT),
        (HealthRule(field="database.lag"), 200, READY, WRONG_CONTENT),
        (HealthRule(field="database.other"), 200, READY, WRONG_CONTENT),
        (HealthRule(field="status"), 200, b"<html>", WRONG_CONTENT),
        (HealthRule(field="status"), 200, b"[" * 100_000, WRONG_CONTENT),
        (HealthRule(field="status"), 200, b"[1]", WRONG_CONTENT),
        (HealthRule(text="ready", field="status=ok"), 200, READY, None),
    ],
)
def test_an_answer_is_judged_by_its_status_its_text_and_its_field(
    rule: HealthRule, status: int, body: bytes, fault: int | None
) -> None:
    assert rule.fault(status, body) == fault
