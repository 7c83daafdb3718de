"""The WebSocket: handshake, framing, transport, dispatch of commands."""
