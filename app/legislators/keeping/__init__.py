"""Which tables are in force, and how a site's own are kept fresh: fetch, renew, compare, put in force, roll back."""
