"""What tests and demos need in place of the outside world: a loopback HTTP server and a scripted model.

Nothing is imported here, so that `python -m runtime.testing.scripted_model` loads each module once.
"""
