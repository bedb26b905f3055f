"""What is masked in a log line, and that nothing of it is left, for generated secrets in generated texts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.logs import masking
from deployments.logs.masking import EXAMINED, LONGEST_MESSAGE, LineMasker, mask
from deployments.sandbox.log_lines import failing_start, hostile_lines, secrets_of

LOWER, UPPER, DIGITS = "abcdefghijkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789"
ALNUM = LOWER + UPPER + DIGITS

# A kind of secret -> how it stands in a line; `{}` is the secret itself.
NAMED = {
    "authorization": ["Authorization: {}", '{{"authorization":"{}","path":"/"}}', "authorization=Bearer {}"],
    "scheme": ["Authorization: Bearer {}", "sent Bearer {} to the api", "Authorization: Basic {}"],
    "password": [
        "password={}", "password: {}", 'password="{}"', "'PGPASSWORD': '{}'", "db_password => {}",
        "passwd={} user=x",
        '{{"user":"x","password":"{}"}}', '{{\\"password\\":\\"{}\\"}}', "--password {}", "--db-password={}",
        "user[password]={}&x=1", "password%3D{}", "ALTER USER x PASSWORD '{}'", "the password is {}",
        "Server=db;User Id=x;Password={};Database=y", "('password', '{}')",
    ],
    "key": [
        "api_key={}", "apiKey: '{}'", "X-Api-Key: {}", "?token={}&x=1", "client_secret={}", "SECRET_KEY={}",
        "GET /v1?key={}&x=1", "aws_secret_access_key = {}", "sessionid={}", "https://x/?sig={}",
        "--api-key {}",
    ],
    "cookie": ["Cookie: sid={}", "Set-Cookie: a={}; HttpOnly", '["cookie","a={}; b=1","host","x"]',
        "cookies: {}"],
    "login": [
        "postgres://shop:{}@db:5432/shop", "postgresql+psycopg://shop:{}@db/shop", "redis://:{}@red-1:6379",
        "mongodb+srv://u:{}@c.example.net/x", "amqps://u:{}@mq/v", "https://bot:{}@example.com/x", "https://{}@sentry.io/2",
        "mysql://u:{}@db/x?ssl=1", "postgres%3A%2F%2Fu%3A{}%40host%2Fdb", "root:{}@tcp(127.0.0.1:3306)/db",
    ],
}  # fmt: skip
PREFIXED = [
    "ghp_{}", "gho_{}", "github_pat_{}", "glpat-{}", "sk_live_{}", "rk_test_{}", "whsec_{}", "xoxb-{}",
    "xapp-1-{}",
    "rnd_{}", "vcp_{}", "vck_{}", "npm_{}", "sk-proj-{}", "SG.{}", "AIza{}", "hf_{}", "shpat_{}", "dop_v1_{}",
    "eyJhbGciOiJIUzI1NiJ9.eyJ{}.c2ln", "https://hooks.slack.com/services/{}",
    "https://discord.com/api/webhooks/1/{}",
]  # fmt: skip

around = st.text(st.characters(exclude_categories=["Cs"]), max_size=40).map(
    lambda text: text.replace("-----", "")  # a key would begin, and hide everything
)
words = st.text(ALNUM, min_size=12, max_size=60)


def lines(kind: str) -> st.SearchStrategy[tuple[str, str]]:
    return st.tuples(st.sampled_from(NAMED[kind]), words).map(
        lambda made: (made[0].replace("{}", made[1]).replace("{{", "{").replace("}}", "}"), made[1])
    )


def left_of(secret: str, shown: str, around: str = "") -> list[str]:
    """Pieces of the secret that are still to be read, and do not stand in the text around it as well."""
    pieces = [secret[at : at + 8] for at in range(len(secret) - 7)]
    return [piece for piece in pieces if piece in shown and piece not in around]


@pytest.mark.parametrize("kind", NAMED)
@settings(max_examples=1000, deadline=None)
@given(data=st.data())
def test_a_secret_with_a_name_never_survives_in_any_text(kind: str, data: st.DataObject) -> None:
    line, secret = data.draw(lines(kind))
    before, after = data.draw(around), data.draw(around)
    assert left_of(secret, mask(f"{before} {line} {after}"), before + after) == []


@settings(max_examples=1000, deadline=None)
@given(
    form=st.sampled_from(PREFIXED),
    secret=words.map(lambda word: word + "xxxxxxxx"),
    before=around,
    after=around,
)
def test_a_token_with_a_known_beginning_never_survives(
    form: str, secret: str, before: str, after: str
) -> None:
    shown = mask(f"{before} {form.replace('{}', secret)} {after}")
    assert left_of(secret, shown, before + after) == []


@settings(max_examples=100, deadline=None)
@given(random=st.randoms(use_true_random=False), length=st.integers(24, 80), before=around, after=around)
def test_a_random_word_is_taken_for_a_token(random: object, length: int, before: str, after: str) -> None:
    choice = random.choice  # type: ignore[attr-defined]
    kinds = [LOWER, UPPER, DIGITS]
    secret = "".join(choice(kinds[(at + choice((0, 1))) % 3]) for at in range(length))
    assert left_of(secret, mask(f"{before} {secret} {after}"), before + after) == []


@settings(max_examples=1000, deadline=None)
@given(
    name=st.text(LOWER + DIGITS + "._-", min_size=8, max_size=60),
    domain=st.sampled_from(["example.com", "mail.example.co.uk", "bücher.example"]),
    at=st.sampled_from(["@", "%40"]),
    before=around,
    after=around,
)
def test_a_mail_address_never_survives(name: str, domain: str, at: str, before: str, after: str) -> None:
    shown = mask(f"{before} <{name}{at}{domain}> {after}")
    assert left_of(name, shown, before + after) == []


@settings(max_examples=1000, deadline=None)
@given(
    digits=st.lists(st.integers(0, 9), min_size=14, max_size=14), separator=st.sampled_from(["", " ", "-"])
)
def test_the_number_of_a_card_never_survives(digits: list[int], separator: str) -> None:
    number = [4, *digits]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in number[::-2]]
    number.append(-(sum(doubled) + sum(number[-2::-2])) % 10)
    word = separator.join("".join(map(str, number[at : at + 4])) for at in range(0, 16, 4))
    assert word not in mask(f"paid with {word} today")


COLOURS = [
    "\x1b[31m",
    "\x1b[0m",
    "\x1b[1;38;5;208m",
    "\\u001b[31m",
    "\\x1b[0m",
    "\u200b",
    "\u202e",
    "\x00",
    "\x9b1m",
]


@settings(max_examples=100, deadline=None)
@given(
    secret=words,
    at=st.integers(0, 60),
    colour=st.sampled_from(COLOURS),
    kind=st.sampled_from(["password={}", "ghp_{}"]),
)
def test_colours_and_invisible_characters_within_a_secret_do_not_hide_it(
    secret: str, at: int, colour: str, kind: str
) -> None:
    line = kind.replace("{}", secret)
    at = min(at, len(line))
    assert left_of(secret, mask(f"{line[:at]}{colour}{line[at:]} done")) == []


@settings(max_examples=100, deadline=None)
@given(secret=words, fill=st.integers(EXAMINED - 120, EXAMINED + 20))
def test_a_secret_across_the_end_of_what_is_examined_is_not_half_shown(secret: str, fill: int) -> None:
    shown = mask("\x1b[0m" * (fill // 4) + f"postgres://shop:{secret}@db/shop")
    assert left_of(secret, shown) == []


def test_what_is_no_secret_stays_readable() -> None:
    for line in [
        "GET /api/basket 500 12ms",
        "KeyError: 'rounded_total' at /app/src/checkout.py:12",
        "SyntaxError: Unexpected token < in JSON at position 0",
        "deployed commit 3ee361f0aabbccddeeff00112233445566778899 as dpl_5WJWYSyB7BpgTj3EuwF37WMRBXBtPQ2i",
        "upgraded react@18.2.0, request 2f1c7a52-1c3d-4e5f-8a9b-0c1d2e3f4a5b at 2026-11-29T06:21:00Z",
        "    at handleCheckoutV2RequestWithRetries (/app/.next/server/chunks/812.js:1:23456)",
        "==> Running build command 'pip install -r requirements.txt'...",
        "basic authentication failed",
        "image sha256:" + "ab12" * 16,
    ]:
        assert mask(line) == line


def test_the_rest_of_the_line_stays_and_the_note_says_what_was_there() -> None:
    assert (
        mask("connect postgres://shop:pw@db:5432/shop failed")
        == "connect postgres://[masked: login]db:5432/shop failed"
    )
    assert mask('{"password":"a b","user":"x"}') == '{"password":[masked: secret],"user":"x"}'


def test_a_private_key_is_masked_over_several_lines_of_one_source_and_no_other() -> None:
    masker = LineMasker()
    secret = secrets_of("shop")
    shown = [
        masker.mask("-----BEGIN PRIVATE KEY-----", "one"),
        masker.mask(secret["key line 0"], "one"),
        masker.mask("a line of another instance", "two"),
        masker.mask("short==", "one"),
        masker.mask("-----END PRIVATE KEY----- and on", "one"),
        masker.mask("after it", "one"),
    ]
    key = "[masked: private key]"
    assert shown == [key, key, "a line of another instance", key, f"{key} and on", "after it"]


def test_a_line_of_a_key_whose_beginning_was_not_read_is_masked_by_itself() -> None:
    assert mask(secrets_of("shop")["key line 1"]) == "[masked: key]"


def test_a_key_without_an_end_does_not_swallow_the_log_for_ever() -> None:
    masker = LineMasker()
    masker.mask("-----BEGIN PRIVATE KEY-----", "one")
    shown = [masker.mask(f"line-{number}", "one") for number in range(masking.LONGEST_KEY + 1)]
    assert shown[-1] == f"line-{masking.LONGEST_KEY}"


def test_a_line_that_cannot_be_of_a_key_ends_it_so_that_lines_in_another_order_hide_nothing() -> None:
    masker = LineMasker()
    masker.mask("-----BEGIN PRIVATE KEY-----", "one")
    assert masker.mask("INFO " + secrets_of("shop")["key line 0"], "one") == "[masked: private key]"
    assert masker.mask("Traceback (most recent call last):", "one") == "Traceback (most recent call last):"
    assert masker.mask("word", "one") == "word"


def test_the_rest_of_a_word_on_the_line_after_a_split_one_is_masked() -> None:
    masker = LineMasker()
    masker.mask("x " * 5_000 + "postgres://shop:begin", "one")
    assert masker.mask("oftheword@db/shop and more", "one") == "[masked: cut word] and more"
    assert masker.mask("a word", "one") == "a word"


def test_a_message_that_the_provider_has_cut_loses_its_last_word() -> None:
    assert LineMasker().mask("connecting to postgres://shop:halfapassw", cut=True) == (
        "connecting to [masked: cut word]…"
    )


def test_no_secret_of_a_failing_start_survives() -> None:
    masker = LineMasker()
    shown = "\n".join(masker.mask(line.text, "one") for line in failing_start("shop-api"))
    assert {
        name: piece for name, word in secrets_of("shop-api").items() for piece in left_of(word, shown)
    } == {}
    assert "Traceback (most recent call last):" in shown
    assert "FATAL: password authentication failed" in shown


def test_hostile_lines_become_plain_text_of_a_bounded_length() -> None:
    for line in hostile_lines("shop-api"):
        shown = mask(line.text)
        assert len(shown) <= LONGEST_MESSAGE
        assert all(part.isprintable() for part in shown.split("\n"))
        assert left_of(secrets_of("shop-api")["github token"], shown) == []


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_text_becomes_printable_and_masking_it_again_changes_nothing_that_matters(text: str) -> None:
    shown = mask(text)
    assert all(part.isprintable() for part in shown.split("\n"))
