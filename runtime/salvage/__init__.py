"""What can still be read of a damaged state file: its pages are read by us, never by SQLite, and never written.

recover     the whole way: rows, VM by VM, to files as `torpor export` writes them
pages       pages and the records on them, one by one
tables      which table a page is of, and its rows
trees       the files of one VM, made a tree again
fileformat  numbers of SQLite's file format
"""
