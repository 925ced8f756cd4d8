"""The agent of a session as a process.

process  one running agent: its connection, what it says and is asked
errors   what went wrong with an agent, as an error and as a phrase
stderr   its stderr: limited in rate, the tail kept
"""
