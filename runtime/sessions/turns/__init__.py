"""What a turn is made of; `runtime.sessions.operations.running` runs it.

turn     one turn: what is known of it, and the signals it takes
prompts  prompts with an idempotency key: an earlier answer is given again
thread   the conversation as text, for an agent that cannot load its session
"""
