"""What secrets look like in a log line.

Lines are hostile text, so no pattern may take long on any of them: every repetition is possessive (`{0,8}+`,
it never gives back what it took), and one without an upper end is followed by nothing that could fail.
`tests/deployments/logs/test_patterns.py` counts the steps.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

Judge = Callable[[re.Match[str]], bool]


def _always(match: re.Match[str]) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class SecretPattern:
    """One kind of secret.

    Attributes:
        kind: what the page says in its place.
        expression: its group `secret` is replaced, or the whole match where it has no such group.
        judge: whether a match is one; for what no expression can tell.
    """

    kind: str
    expression: re.Pattern[str]
    judge: Judge = _always


QUOTE = r"""(?:\\{0,4}+["'\x60])"""  # \x60 is a backtick
# Up to the closing quote, or to the end of the line where there is none.
QUOTED = (
    r"""(?:"(?:\\.|[^"\\\n])*+"?+|'(?:\\.|[^'\\\n])*+'?+|\x60[^\x60\n]*+\x60?+"""
    r"""|\\{1,4}+"(?:\\\\\\"|[^"\n])*+"?+|\\{1,4}+'[^'\n]*+'?+)"""
)
VALUE = rf"""(?P<secret>{QUOTED}|[^\s&"']++)"""
SEPARATOR = r"(?:=>|:=|[:=]{1,2}+|%3[dDaA])"
# After a name: the rest of its identifier, what closes it, and what leads to its value; in lists of headers
# (`["cookie", "…"]`) only a comma.
LEADS_TO = (
    rf"""[\w\-]{{0,40}}+(?:{QUOTE}|\]|%22|%5[dD]){{0,3}}+[ \t]{{0,8}}+"""
    rf"""(?:{SEPARATOR}|,(?=[ \t]{{0,8}}+{QUOTE}))[ \t]{{0,8}}+"""
)
NAMES = (
    r"(?i:password|passwd|passphrase|passcode|(?<![a-z])pass(?![a-z])|(?<![a-z])pwd|secret|token|credential"
    r"|api[_\-. ]?+key|access[_\-]?+key|[_\-]key(?![a-z])|private[_\-]?+key|signing[_\-]?+key"
    r"|session[_\-]?+id|sessid|csrf|xsrf|(?<![a-z])otp(?![a-z])|signature|(?<![a-z])sig(?![a-z])|(?<![a-z])dsn(?![a-z])"
    r"|conn(?:ection)?+[_\-]?+str|(?:database|redis|mongo|amqp|rabbitmq|webhook)[_\-]?+ur[il]|(?<![a-z])jwt"
    r"|x-auth)"
)
DATABASES = (
    r"(?i:postgres(?:ql)?+|mysql|mariadb|mongodb|rediss?+|amqps?+|mssql|sqlserver|clickhouse|nats|kafka"
    r"|smtps?+|s?+ftps?+|ldaps?+|memcached?+)(?:\+[a-zA-Z0-9]{1,20}+)?+"
)
PREFIXES = (
    r"gh[pousr]_|github_pat_|glpat-|glsa_|dckr_pat_|npm_|pypi-|hf_|(?:sk|rk|pk)_(?:live|test)_|whsec_"
    r"|xox[a-z]-|xapp-|rnd_|vc[a-z]_|sk-|sbp_|shp[acs][ast]_|dop_v1_|lin_api_|GOCSPX-|AIza|ya29\.|SG\."
    r"|AGE-SECRET-KEY-|ATATT3|(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA)(?=[A-Z0-9]{12}+)"
)
COMMIT = re.compile(r"[0-9a-f]{40}")
PROVIDER_ID = re.compile(r"(?:dpl|prj|team|uev|bld|cmd)_[A-Za-z0-9]{16,32}")
HEX_OF_ONE_CASE = re.compile(r"[0-9a-f\-]+|[0-9A-F\-]+")
# Of all neighbours in a word, those of different kinds (upper case, lower case, digit): about 60% in a
# random one, and about 30% in a name of several words.
RANDOM_WITH_DIGITS, RANDOM_LETTERS = 1 / 3, 0.45


# --- What an expression cannot tell ---


def _is_random(match: re.Match[str]) -> bool:
    """Upper and lower case (and digits) all mixed, and no id that the providers give in the open."""
    word = match.group()
    if PROVIDER_ID.fullmatch(word) or HEX_OF_ONE_CASE.fullmatch(word):
        return False
    kinds = [(char.isdigit(), char.isupper(), char.islower()) for char in word]
    changes = sum(one != other for one, other in pairwise(kinds)) / (len(kinds) - 1)
    if not (any(map(str.isupper, word)) and any(map(str.islower, word))):
        return False
    return changes >= (RANDOM_WITH_DIGITS if any(map(str.isdigit, word)) else RANDOM_LETTERS)


def _is_key_material(match: re.Match[str]) -> bool:
    word = match.group().strip()
    mixed = any(map(str.isupper, word)) and any(map(str.islower, word))
    return mixed and not PROVIDER_ID.fullmatch(word)


WORDS_AFTER_A_SCHEME = {
    "access", "authentication", "authorization", "challenge", "credential", "credentials", "expected",
    "header", "headers", "invalid", "missing", "realm", "required", "scheme", "scopes", "support", "token",
    "tokens",
}  # fmt: skip


def _is_hex_key(match: re.Match[str]) -> bool:
    """Not a commit, and not the digest of an image."""
    return not (
        COMMIT.fullmatch(match.group()) or match.string[: match.start()].endswith(("sha256:", "sha512:"))
    )


def _is_no_word(match: re.Match[str]) -> bool:
    """ "Bearer authentication" is no token; a token may well be nothing but small letters."""
    return match["secret"].lower().rstrip(".") not in WORDS_AFTER_A_SCHEME


def _is_card(match: re.Match[str]) -> bool:
    """The check digit of ISO/IEC 7812 (Luhn) fits, and the first digit is one of a card's."""
    digits = [int(char) for char in match.group() if char.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return digits[0] in {3, 4, 5, 6} and (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def _is_mail_address(match: re.Match[str]) -> bool:
    """ "react@18.2.0" is a version."""
    last = match.group().rpartition(".")[2]
    return len(last) > 1 and not last[0].isdigit()


# --- The patterns, in the order in which they are applied ---

# What takes a whole word goes before what may find only a part of it: the rest would be left.

PATTERNS = (
    SecretPattern("login", re.compile(rf"{DATABASES}://(?P<secret>(?:[^\s@\"]{{0,512}}+@){{1,4}}+)")),
    SecretPattern("login", re.compile(r"://(?P<secret>(?:[^\s@/?#\"]{0,512}+@){1,4}+)")),
    SecretPattern("login", re.compile(rf"{DATABASES}(?i:%3a%2f%2f)(?P<secret>[^\s&\"']++)")),
    SecretPattern(
        "login", re.compile(r"(?i:https?+%3a%2f%2f)(?P<secret>[^\s&\"'%]{1,256}+(?i:%3a)[^\s&\"']++)")
    ),
    SecretPattern("login", re.compile(r"(?P<secret>[\w.\-]{1,64}+:[^\s@\"]{1,256}+@)(?=(?:tcp|unix)\()")),
    SecretPattern(
        "authorization",
        re.compile(
            rf"(?i:authorization){LEADS_TO}(?P<secret>{QUOTED}|(?i:digest|aws4-hmac-sha256)[^\n]*+"
            r"|(?:(?i:bearer|basic|token|apikey|negotiate|key)[ \t]{1,8}+)?+[^\s\"']++)"
        ),
    ),
    SecretPattern("cookie", re.compile(rf"(?i:cookies?+2?+){LEADS_TO}(?P<secret>{QUOTED}|[^\n]++)")),
    SecretPattern("webhook", re.compile(r"hooks\.slack\.com/(?P<secret>[^\s\"'<>]++)")),
    SecretPattern("webhook", re.compile(r"(?i:discord(?:app)?+\.com/api/webhooks)/(?P<secret>[^\s\"'<>]++)")),
    SecretPattern(
        "e-mail",
        re.compile(r"[\w.+\-']{1,256}+(?:@|%40)[\w\-]{1,63}+(?:\.[\w\-]{1,63}+){1,8}+"),
        _is_mail_address,
    ),
    SecretPattern("secret", re.compile(rf"{NAMES}{LEADS_TO}{VALUE}")),
    SecretPattern(
        "secret",
        re.compile(
            r"--?+(?i:(?:[a-z]{1,12}+-){0,3}+(?:password|passwd|pass|pwd|token|secret|key))[ \t]{1,4}+"
            rf"{VALUE}"
        ),
    ),
    SecretPattern("secret", re.compile(rf"(?i:password|passphrase|secret|token)[ ](?i:is|was)[ ]{VALUE}")),
    SecretPattern("secret", re.compile(rf"(?i:password|identified[ ]by)[ \t]{{1,4}}+(?P<secret>{QUOTED})")),
    SecretPattern("secret", re.compile(r"[?&](?:key|code|state|auth|hash)=(?P<secret>[^\s&\"']++)")),
    SecretPattern("token", re.compile(r"(?i:bearer)[ \t:]{1,4}+(?P<secret>[^\s\"',;]{6,}+)"), _is_no_word),
    SecretPattern(
        "authorization", re.compile(r"(?i:basic)[ ]{1,4}+(?P<secret>[A-Za-z0-9+/=_\-]{8,}+)"), _is_no_word
    ),
    SecretPattern("key", re.compile(r"(?m)^[ ]{0,64}+[A-Za-z0-9+/=_\-]{40,}+$"), _is_key_material),
    SecretPattern("token", re.compile(r"[A-Za-z0-9+_\-]{24,}+"), _is_random),
    SecretPattern("key", re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}+(?![A-Za-z0-9/+])"), _is_random),
    SecretPattern("key", re.compile(r"[0-9a-fA-F]{32,}+"), _is_hex_key),
    SecretPattern("token", re.compile(rf"(?:{PREFIXES})[A-Za-z0-9_\-.+/=]{{6,}}+")),
    SecretPattern("token", re.compile(r"eyJ[A-Za-z0-9_\-]{6,}+(?:\.[A-Za-z0-9_\-=]*+){0,4}+")),
    SecretPattern("token", re.compile(r"[0-9]{8,10}+:[A-Za-z0-9_\-]{30,}+")),
    SecretPattern("card number", re.compile(r"(?<![0-9])[0-9](?:[ \-]?+[0-9]){12,18}+(?![0-9])"), _is_card),
)
