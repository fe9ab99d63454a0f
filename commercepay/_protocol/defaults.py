"""The numbers that the package chose for itself. The gateway publishes none of them."""

from __future__ import annotations

TIMEOUT = 30.0
"""Seconds for connecting, for sending, and for each wait for a piece of the answer."""

TIMEOUT_MOST = 86_400.0
"""Seconds: a longer timeout is refused as a mistake."""

MAX_RETRIES = 2
"""Further attempts after the first, where another attempt is safe."""

BACKOFF_FIRST = 0.5
"""Seconds before the first retry, before jitter; doubled for each one after."""

BACKOFF_MOST = 8.0
"""Seconds: the longest pause that the package chooses for itself."""

RETRY_AFTER_MOST = 60.0
"""Seconds: a longer Retry-After is not waited for; the error is raised at once."""

TOKEN_LIFETIME_UNKNOWN = 300.0
"""Seconds to use a token whose lifetime is missing or absurd. A 401 still ends it sooner."""

TOKEN_LIFETIME_MOST = 86_400.0
"""Seconds: the lifetime seen at the gateway (staging, 2026-09); a longer one is not relied on."""

TOKEN_MARGIN = 0.1
"""The share of a token's lifetime, at its end, in which it is renewed ahead of time ..."""

TOKEN_MARGIN_MOST = 300.0
"""... but at most so many seconds."""

POLL_FIRST = 1.0
"""Seconds between the first two questions of `payments.wait`, before jitter ..."""

POLL_GROWTH = 1.5
"""... each pause so many times as long as the one before ..."""

POLL_MOST = 15.0
"""... and at most so many seconds."""

RECONCILE_CONCURRENCY = 8
"""Questions that `payments.reconcile` has under way at once."""

TOKEN_WAIT_SLICE = 0.2
"""Seconds after which a caller that waits for another's Authenticate checks that it is still in progress."""

RENEWAL_PAUSE = 1.0
"""Seconds between two renewals after a 401, at least; up to twice as many."""

RENEWALS_MOST = 4
"""Renewals of the token that one Query, or another call that changes nothing, causes after a 401."""
