"""How settings are read and what they can be; `config.py` says which there are, and hands the environment in."""
