"""What is done with a session, from the start of its agent to its end. A session itself imports none of these.

launch   start an agent and introduce the client to it (initialize, session/new)
resume   start an agent again and give it its conversation back
running  run a turn, from the prompt to its stop reason
config   set modes and the other choices that an agent offers
raw      a client's own ACP request to the agent (`rawSend`)
forking  have the agent fork its side of a session
ending   close, destroy or suspend a session
"""
