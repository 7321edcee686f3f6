"""From published files to a folder of tables: readers, the rules that refuse a bad build, and the files' own format."""
