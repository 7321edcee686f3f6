"""Flask's extensions, each bound to an application by create_app."""

from flask_babel import Babel
from flask_mail import Mail
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

from app.db import Base

# expire_on_commit would read a row again after each commit, and so open a transaction while mail is being sent.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
migrate = Migrate(render_as_batch=True)
mail = Mail()
babel = Babel()
