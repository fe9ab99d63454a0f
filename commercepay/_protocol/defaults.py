"""Numbers that this package chose. The gateway publishes none of them."""

from __future__ import annotations

TIMEOUT = 30.0
"""Seconds for a whole call."""

TIMEOUT_MOST = 86_400.0
"""Seconds. A longer timeout is an error."""

MAX_RETRIES = 2
"""The number of attempts after the first, for requests that can safely be sent again."""

BACKOFF_FIRST = 0.5
"""Seconds before the first retry, without jitter. The pause doubles with each retry."""

BACKOFF_MOST = 8.0
"""Seconds. The longest pause without a Retry-After."""

RETRY_AFTER_MOST = 60.0
"""Seconds. After a longer Retry-After there is no retry: the error is raised at once."""

TOKEN_LIFETIME_UNKNOWN = 300.0
"""Seconds to use a token with a missing or unusable lifetime. A 401 ends it earlier."""

TOKEN_LIFETIME_MOST = 86_400.0
"""Seconds. The lifetime that was observed on staging (2026-09). A longer one is cut to this."""

TOKEN_MARGIN = 0.1
"""A token is renewed when less than this part of its lifetime is left ..."""

TOKEN_MARGIN_MOST = 300.0
"""... or this many seconds, if that is less."""

TOKEN_STORE_SHARE = 0.125
"""The part of the time a call has left that one operation of its token store may take; at most `tokens.TIMEOUT` seconds."""

TOKEN_STORE_PAUSE = 60.0
"""Seconds for which a client does not use a token store that failed."""

TOKEN_STORE_LOGIN = 8.0
"""Seconds for an Authenticate under the lock of a token store."""

TOKEN_STORE_LOCK = 10.0
"""Seconds after which the lock of a token store becomes free by itself: it outlives the Authenticate."""

TOKEN_STORE_WAIT = 15.0
"""Seconds to wait for another process's Authenticate, then a process calls Authenticate itself ..."""

TOKEN_STORE_WAIT_SHARE = 0.75
"""... or after this part of the time that its call has left, if that is less."""

TOKEN_STORE_POLL_FIRST = 0.05
"""Seconds before a process that waits looks into the store again, without jitter. The pause grows by half each time ..."""

TOKEN_STORE_POLL_MOST = 0.5
"""... up to this many seconds."""

CLOCKS_DIFFER = 60.0
"""Seconds by which the clocks of two machines may differ. A shared token is renewed at least this long before it expires, or
after half of its lifetime if that is shorter."""

POLL_FIRST = 1.0
"""Seconds between the first two queries of `payments.wait`, without jitter."""

POLL_GROWTH = 1.5
"""The factor between two pauses of `payments.wait`."""

POLL_MOST = 15.0
"""Seconds. The longest pause of `payments.wait`."""

RECONCILE_CONCURRENCY = 8
"""The number of queries that `payments.reconcile` has in progress at once."""

TOKEN_WAIT_SLICE = 0.2
"""Seconds after which a caller that waits for another's Authenticate checks that it is still in progress."""

RENEWAL_PAUSE = 1.0
"""Seconds between two renewals after a 401: at least this many, at most twice as many."""

RENEWALS_MOST = 4
"""The number of renewals after a 401 that one call causes, if it changes nothing."""

CONNECT_TIMEOUT = 10.0
"""Seconds for connecting, TLS included. The timeout of the call may end it sooner."""

MAX_RESPONSE_BYTES = 4 * 1024 * 1024
"""Bytes of a response's body, before and after decoding. The responses as documented have a few kilobytes."""

MAX_CONNECTIONS = 100
"""Connections of one client at once, as in httpx."""

MAX_IDLE_CONNECTIONS = 20
"""Connections that a client keeps open while it does not use them, as in httpx."""

IDLE_SECONDS = 5.0
"""Seconds for which an unused connection is kept open, as in httpx."""

SECONDS_FOR_A_POST = 10.0
"""Seconds of a call's timeout that must be left for a POST to be sent; of a shorter timeout, nine tenths."""
