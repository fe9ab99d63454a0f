"""A CommercePay gateway on the own machine, to develop and test against. No money moves.

    commercepay sandbox                     from the command line, for a developer in any language
    from commercepay.testing import sandbox in tests

What it does is what is known of the real gateway; where nothing is known it has to assume, and docs/sandbox.md lists that.

    model         the records: tenants, orders, payments, callbacks, requests          no I/O
    clock         the time, which can be set forward                                   no I/O
    gateway       the rules: who may come in, what may happen to a payment             no I/O
    description   the endpoints and their members, out of the description itself      no I/O
    explain       why a signature or a token was refused                               no I/O
    faults        what is to go wrong, and how often                                   no I/O
    state         everything that is remembered; in memory, or in an SQLite file
    records       the requests that came, shown with their secrets masked
    wire          the gateway's answers: the envelope, the two shapes of a failure      no I/O
    callbacks     signing, delivering and repeating callbacks
    world         one sandbox: the parts above, put together
    front         the gateway's endpoints over HTTP
    pages         the payment page
    api           the JSON API (by api_document), and the dashboard beside it (views)
    app, server   Starlette and uvicorn
"""
