"""What an agent asks and somebody decides.

requests     the questions that are open: permission requests, and who may answer them
permissions  what is decided without asking, and what "always" is remembered for
"""
