"""The hardened Bokeh server: headers, hosts, sign-in, and what flows past the websocket."""
