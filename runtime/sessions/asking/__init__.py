"""What an agent asks and somebody decides.

requests      permission requests: who may answer them, and what answers them without being asked
permissions   the ones that wait, and what "always" is remembered for
elicitations  forms to fill in and pages to visit
waiting       what waits for a client's answer, of either kind
"""
