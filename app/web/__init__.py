"""The pages: a file each. A view parses, calls one verb, commits and answers."""
