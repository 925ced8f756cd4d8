"""Hostile guests and clients of every kind at once, and a session beside them that works as if nobody else were there."""
