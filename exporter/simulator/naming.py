"""The customary sample companies: unique names, mail domains and countries by number."""

STEMS = (
    "Contoso", "Fabrikam", "Northwind", "Tailspin", "Adventure Works", "Wide World", "Litware", "Proseware",
    "Woodgrove", "Lucerne", "Fourth Coffee", "Trey Research", "VanArsdel", "Alpine Ski House", "Relecloud",
    "Lamna", "Munson's", "Coho", "City Power & Light",
)  # fmt: skip
BRANCHES = (
    "Retail", "Health", "Toys", "Logistics", "Energy", "Foods", "Labs", "Media", "Finance", "Travel",
    "Design", "Schools", "Shipping",
)  # fmt: skip
COUNTRIES = (
    "Netherlands", "United Kingdom", "United States", "Germany", "France", "Ireland", "Norway", "Sweden",
    "Belgium", "Switzerland", "Australia", "Canada", "Japan", "Singapore",
)  # fmt: skip
MAILBOXES = ("owner", "it", "boss", "office", "admin")


def organization(number: int) -> str:
    """Return the unique name of customer *number*, 0 and up: stems change fastest, then branches."""
    # 19 and 13 share no factor, so the pair repeats only after all 247 combinations.
    stem, branch = STEMS[number % len(STEMS)], BRANCHES[number % len(BRANCHES)]
    lap = number // (len(STEMS) * len(BRANCHES))
    return f"{stem} {branch} {lap + 1}" if lap else f"{stem} {branch}"


def slug(name: str) -> str:
    """Return *name* in the letters a domain may have."""
    kept = "".join(letter if letter.isalnum() else "-" for letter in name.lower().replace("'", ""))
    return "-".join(part for part in kept.split("-") if part)
