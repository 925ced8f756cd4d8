"""What createSession may say, and what becomes of it.

options       the options of a session, checked and stored
secrets       values that are secret: where they may go, and how they are kept
sealed        secrets that are stored encrypted
required      secrets that must be given again before an agent can start
redaction     secrets are taken out of whatever is stored or delivered
instructions  the texts in /etc/torpor that agents read
mcp_servers   the MCP servers that `createSession` names, checked
policy        rules that allow or deny tool calls without asking
"""
