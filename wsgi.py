"""The application that the web server and the `flask` command load."""

import os

from app import create_app
from app.db import DriverMissing
from app.legislators import TablesUnusable
from config import Config, SettingsError

os.umask(0o077)  # the database holds addresses: what is written here belongs to this user alone
try:
    app = create_app(Config.from_env())
except (DriverMissing, SettingsError, TablesUnusable) as error:
    raise SystemExit(str(error)) from None
