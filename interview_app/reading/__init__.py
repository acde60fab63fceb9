"""From the bytes of a file to its text. Runs in the parser process; knows nothing of Django.

`READERS` names the module of every kind: each has `read(data) -> Reading` and is imported only when
a file of its kind comes, so that a Word file does not wait for the PDF library.
"""
