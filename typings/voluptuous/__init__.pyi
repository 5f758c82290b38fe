# Home Assistant puts probatio under the name of voluptuous when it is imported: type checkers should see what runs.
from probatio import *
