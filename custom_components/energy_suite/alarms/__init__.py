"""The alarms of the installation in Home Assistant: what is raised, who is told, what is kept."""
