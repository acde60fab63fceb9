#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys

from django.core.management import execute_from_command_line
from django.db import Error as DatabaseError

from operations.database.trouble import fields, is_trouble

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:  # Ctrl-C is an answer, not an error: no traceback
        sys.exit(130)
    except DatabaseError as error:
        if not is_trouble(error):
            raise
        said = " ".join(str(value) for value in fields(error).values() if value)
        print(f"The database cannot be used at the moment ({said}).", file=sys.stderr)
        sys.exit(1)
