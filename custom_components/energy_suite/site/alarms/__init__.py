"""The alarms of an installation: what is raised, who is told, what is kept of it (VRM manual 6, 12 and 13.2.1)."""
