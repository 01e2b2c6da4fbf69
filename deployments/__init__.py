"""How the program is put to work: the programmes' folders, the command line, Prefect's deployments and the demo."""
