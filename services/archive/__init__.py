"""What is kept: every event, and one sealed record per closed application."""
