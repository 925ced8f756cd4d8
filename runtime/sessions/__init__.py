"""ACP sessions: live agents, their transcripts, permissions, turns, and how they come back.

A VM opens its sessions with `open_sessions` (runtime.sessions.manager) and closes them with `Sessions.suspend_all`.
"""
