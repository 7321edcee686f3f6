"""The application that the web server and the `flask` command load."""

from app import create_app
from app.legislators import TablesUnusable
from config import Config, SettingsError

try:
    app = create_app(Config.from_env())
except (SettingsError, TablesUnusable) as error:
    raise SystemExit(str(error)) from None
