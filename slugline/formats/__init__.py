"""Formats: what people keep articles and labels in, each read as the same plain rows and written from them.

`records` says what a row is, `reading` how files are to be read, one module a format how it is spelled there, and
`registry` recognises them. Nothing else needs to know which format a file has.
"""
