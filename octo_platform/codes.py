"""The codes of problems that clients may rely on. None changes its meaning; `docs/platform-api.md` lists them."""

from __future__ import annotations

CODES: dict[str, tuple[int, str]] = {
    # --- who asks, and what they may ---
    "not-signed-in": (401, "Sign in, or send an API key"),
    "bad-credentials": (401, "The name or the password is wrong"),
    "not-allowed": (403, "Your role does not allow this"),
    "cross-site": (403, "The request comes from a page of another site"),
    "wrong-host": (421, "This server has another name"),
    "set-up-first": (409, "The platform has no administrator yet"),
    "already-set-up": (409, "The platform has an administrator already"),
    "sign-in-off": (403, "This way of signing in is switched off"),
    "sign-in-failed": (400, "The identity provider did not confirm who you are"),
    "provider-unavailable": (503, "The identity provider cannot be reached"),
    "authorization-pending": (400, "Nobody has approved this yet"),
    "slow-down": (400, "Ask less often"),
    "expired": (400, "This has expired"),
    "too-many-tries": (429, "Too many tries"),
    # --- the request itself ---
    "malformed": (400, "The request cannot be read"),
    "invalid": (422, "A value does not fit"),
    "too-large": (413, "The request is too large"),
    "too-slow": (408, "The request comes too slowly"),
    "wrong-type": (415, "The content type does not fit"),
    "bad-cursor": (400, "The cursor is none of ours"),
    "not-found": (404, "There is no such thing"),
    "wrong-method": (405, "The method does not fit"),
    "exists": (409, "There is one of that name already"),
    "in-use": (409, "It is in use"),
    "conflict": (409, "This cannot be done now"),
    "key-reused": (422, "The idempotency key was used for another request"),
    "under-way": (409, "A request with this idempotency key is under way"),
    "if-match-needed": (428, "Send `If-Match` with the ETag that you have read"),
    "changed": (412, "It was changed by somebody else"),
    "lost": (409, "It was held too long"),
    "no-counter": (409, "This is no whole number of 64 bits"),
    # --- flows and deployments ---
    "flow-problems": (422, "The flow files have problems"),
    "no-such-secret": (422, "A secret is missing"),
    "plan-changed": (409, "Something changed since the plan was made"),
    "limit": (409, "A limit is reached"),
    "target-unavailable": (503, "Where it runs cannot be reached"),
    "no-key": (503, "No key for secrets is set"),
    # --- us ---
    "cannot-store": (507, "Nothing can be stored now"),
    "busy": (503, "Too much is under way"),
    "internal": (500, "Something went wrong here"),
}
"""Code → HTTP status and title."""
