"""The fields that every answer carries (standards.md 3.4), by the kind of its route.

Pure: from a kind to fields. Content Security Policy: W3C CSP 3; HSTS: RFC 6797; caching: RFC 9111.
"""

from balintmail.web.access import Kind

# Nothing from outside, nothing inline, no scripts at all: the pages need none.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",  # for browsers that do not know frame-ancestors
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
HSTS = {"strict-transport-security": "max-age=31536000"}
PDF = "application/pdf"
SANDBOX = f"{POLICY}; sandbox"  # for a file that somebody gave: should a browser open it after all, nothing of it runs
_YEAR = "public, max-age=31536000, immutable"  # an asset's address changes with its content


def fields(kind: Kind | None, *, status: int, secure: bool, media_type: str = "") -> dict[str, str]:
    """Return the fields of an answer with `status` from a route of `kind`, None where there was no such route."""
    found = {**ALWAYS, **(HSTS if secure else {})}
    if media_type in (PDF, "multipart/byteranges"):
        found["content-security-policy"] = SANDBOX
    if kind is Kind.ASSET and status == 200:
        return {**found, "cache-control": _YEAR}
    # A page is in one of several languages and may hold a stamp or somebody's answers: nobody keeps it.
    found["cache-control"] = "no-store"
    if kind is not Kind.PAGE or status not in (200, 206):
        found["x-robots-tag"] = "noindex, nofollow"
    if kind is Kind.PAGE:
        found["vary"] = "Accept-Language"
    return found
