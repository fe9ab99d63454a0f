"""A CommercePay gateway on your machine, to develop and test against. No money moves.

    commercepay sandbox                     from the command line, for a developer in any language
    from commercepay.testing import sandbox in tests

It behaves as the real gateway is known to behave. Where nothing is known it makes assumptions, which docs/sandbox.md lists.

    model         the records: tenants, orders, payments, callbacks, requests       no I/O
    channels      the channels and their banks                                      no I/O
    clock         the time, which can be set forward                                no I/O
    rules         who has access, and what may happen to a payment                  no I/O
    description   the endpoints and their members, read from the descriptions
    registered    the responses that tests register                                 no I/O
    faults        what goes wrong on demand, and how often                          no I/O
    answers       the gateway's responses: the envelope, the shapes of a failure    no I/O
    request_log   the requests so far, shown with their secrets masked              no I/O
    store         orders and callbacks, in memory or in an SQLite file
    deliveries    signing, sending and retrying callbacks
    sandbox       one sandbox: the parts above, put together
    web           the gateway's endpoints, the payment page, the control API and the dashboard over HTTP
"""
