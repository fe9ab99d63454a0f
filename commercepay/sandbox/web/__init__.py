"""The HTTP side of the sandbox: the endpoints of the gateway, the payment page, the control API, the dashboard."""
