"""The outside world behind the ports: mail, files, clocks, workbooks, documents."""
