"""The agent of a session: its process, from launch to its end.

process     one running agent: its connection, what it says and is asked
attachment  what a session has while it has an agent, and how it takes what the agent sends
launch      start an agent and introduce the client to it (initialize, session/new)
resume      start an agent again and give it back its conversation
ending      end an agent in order, and tell how it ended
errors      what went wrong with an agent, as an error and as a phrase
stderr      its stderr: limited in rate, the tail kept
raw         a client's own ACP request to it (`rawSend`)
"""
