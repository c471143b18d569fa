"""A whole package's hand-written rules: recorded while its code runs, found by import and in the source, each audited, each a row.

``recording`` says which rules were called and with what, ``discovery`` which there are, ``auditing`` audits what was recorded,
``rows`` puts it into words, and ``children`` does it in a process of its own.
"""
