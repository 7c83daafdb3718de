"""Text of messages and names: Markdown, mentions, emoji, search terms."""
