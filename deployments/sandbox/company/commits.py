"""The commits of the sandbox's company, and the people who made them."""

from __future__ import annotations

from deployments.sandbox.rows import PersonRow


def _person(number: int, login: str, name: str) -> PersonRow:
    return PersonRow(
        login, name, f"{login}@example.com", f"usr-{number:020d}", f"u{number:02d}Kq7ZcVb2mXr9TtYpLs4WnDh"
    )


PEOPLE = [
    _person(1, "ana", "Ana Keller"),
    _person(2, "bo", "Bo Lindqvist"),
    _person(3, "chioma", "Chioma Okafor"),
    _person(4, "dmitri", "Dmitri Volkov"),
    _person(5, "emi", "Emi Tanaka"),
]

MARKUP = "Escape <script>alert(1)</script> in product names"
LONG = (
    "Rework the order export so that it streams rows instead of collecting them, keeps the column order "
    "that accounting asked for, writes decimal points and not commas whatever the locale of the worker is, "
    "survives a cancelled download, names the file after the shop and the day in the time zone of the shop, "
    "and no longer locks the orders table for the length of the export "
    "(seeAlso:https://wiki.example.com/accounting/exports/" + "orders-" * 40 + "end)"
)
INCIDENT = "Faster checkout totals"
API_BROKEN = "Move sessions to the new cache"
API_FIX = "Give every session its expiry again"
WEB_BROKEN = "New navigation for small screens"
WEB_FIX = "Keep the basket button on small screens"

# (author, scope, subject), oldest first. Scope: a commit in "a" changes only api/, "w" only web/, "b" both.
COMMIT_LOG: list[tuple[str, str, str]] = [
    ("ana", "b", "Add the spring collection to the catalogue"),
    ("dmitri", "b", "Count stock per warehouse"),
    ("emi", "b", "Show delivery dates on product pages"),
    ("bo", "a", "Index orders by customer and day"),
    ("chioma", "b", "Remember the last used address"),
    ("ana", "b", "Round prices once, at the end"),
    ("dmitri", "w", "Lazy-load pictures below the fold"),
    ("emi", "b", "Let customers cancel within an hour"),
    ("bo", "b", "Validate voucher codes on the server"),
    ("chioma", "b", "Add Portuguese"),
    ("ana", "b", "Send one mail per order, not per parcel"),
    ("dmitri", "a", "Close idle database connections"),
    ("emi", "b", "Sort search results by relevance"),
    ("bo", "b", "Keep filters when going back"),
    ("chioma", "w", "Use the new colours on buttons"),
    ("ana", "b", "Log in with a one-time code"),
    ("dmitri", "b", "Expire abandoned baskets after 30 days"),
    ("emi", "b", "Show stock on category pages"),
    ("bo", "a", "Retry payment webhooks three times"),
    ("chioma", "b", "Let customers download invoices"),
    ("ana", "b", LONG),
    ("dmitri", "b", "Add gift wrapping"),
    ("emi", "b", "Fix the time zone of delivery slots"),
    ("bo", "b", "Cache category trees for a minute"),
    ("chioma", "w", "Compress pictures to AVIF"),
    ("ana", "b", "Ask for a reason when returning goods"),
    ("dmitri", "a", "Drop the unused discounts endpoint"),
    ("emi", "b", "Show the price per kilogram"),
    ("bo", "b", "Add the newsletter to checkout"),
    ("chioma", "b", "Fix umlauts in address labels"),
    ("ana", "b", "Split first and last name"),
    ("dmitri", "b", "Recommend three products, not ten"),
    ("emi", "a", API_BROKEN),
    ("ana", "a", API_FIX),
    ("bo", "b", "Show the return address in orders"),
    ("chioma", "b", "Accept phone numbers with spaces"),
    ("dmitri", "b", "Add size charts"),
    ("emi", "w", "Focus the search field with a slash"),
    ("bo", "b", "Merge guest orders after signing up"),
    ("ana", "b", "Let shops hide sold out products"),
    ("chioma", "a", "Measure time spent in the tax service"),
    ("dmitri", "b", "Add a second picture on hover"),
    ("emi", "b", "Show when a voucher ends"),
    ("bo", "b", "Allow 40 characters in company names"),
    ("chioma", "w", WEB_BROKEN),
    ("chioma", "w", WEB_FIX),
    ("ana", "b", "Warn before leaving checkout"),
    ("dmitri", "b", "Validate IBANs while typing"),
    ("emi", "b", "Link order mails to the order page"),
    ("bo", "a", "Read settings once per process"),
    ("chioma", "b", "Translate payment errors"),
    ("ana", "b", "Show savings in the basket"),
    ("dmitri", "b", "Store consent with its version"),
    ("emi", "w", "Print styles for invoices"),
    ("bo", "b", "Pick up in store"),
    ("chioma", "b", "Sort reviews by date"),
    ("ana", "a", "Upgrade the payment library to 7.2"),
    ("dmitri", "b", "Group parcels by warehouse"),
    ("emi", "b", "Let customers rename baskets"),
    ("bo", "b", "Show opening hours of stores"),
    ("chioma", "b", "Count views without cookies"),
    ("ana", "b", "Limit baskets to 200 lines"),
    ("dmitri", "b", MARKUP),
    ("emi", "b", "Add Apple Pay"),
    ("bo", "w", "Prefetch product pages on hover"),
    ("chioma", "b", "Keep line breaks in gift notes"),
    ("ana", "b", "Check postcodes by country"),
    ("dmitri", "a", "Delete carts of deleted customers"),
    ("emi", "b", "Show a map for pick-up points"),
    ("bo", "b", "Explain why a voucher was refused"),
    ("chioma", "b", "Add dark mode"),
    ("ana", "b", "Let support see the basket"),
    ("dmitri", "b", "Speed up category pages"),
    ("emi", "b", "Fix price rounding"),
    ("chioma", "a", "Fix login rate limit"),
    ("bo", "b", INCIDENT),
]

# Subjects of commits whose deployment failed or was canceled, per provider
RENDER_ENDS = {
    "Remember the last used address": "build_failed",
    "Keep filters when going back": "canceled",
    "Add gift wrapping": "update_failed",
    "Split first and last name": "pre_deploy_failed",
    "Store consent with its version": "canceled",
    "Add Apple Pay": "build_failed",
}
VERCEL_ENDS = {
    "Add Portuguese": "ERROR",
    "Keep filters when going back": "CANCELED",
    "Compress pictures to AVIF": "ERROR",
    "Show when a voucher ends": "CANCELED",
    "Pick up in store": "ERROR",
}
PREVIEWED = (
    "Show delivery dates on product pages", "Lazy-load pictures below the fold", "Add Portuguese",
    "Use the new colours on buttons", "Let customers download invoices", "Show the price per kilogram",
    "Recommend three products, not ten", "Add size charts", WEB_BROKEN, "Show savings in the basket",
    "Print styles for invoices", MARKUP, "Show a map for pick-up points", "Add dark mode", INCIDENT,
)  # fmt: skip
