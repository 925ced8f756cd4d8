"""A turn: a prompt, the answer to it, and everything between.

turn        one turn: what is known of it, and the signals it takes
running     run a turn from the prompt to its stop reason
prompts     prompts with an idempotency key: an earlier answer is given again
thread      the conversation as text, for an agent that cannot load its session
"""
